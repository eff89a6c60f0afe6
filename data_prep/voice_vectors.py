"""The vector of the voice in each utterance of data directories: ``voices.ark`` and ``voices.scp``.

python -m data_prep.voice_vectors data/train data/valid
"""

import dataclasses
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from avsi.cluster import OnCluster
from avsi.data.datadir import Utterance, read_datadir, write_datadir
from avsi.data.matrices import append_matrix
from avsi.errors import DataError, MediaError
from avsi.files import write_text, written_beside
from avsi.folders import locked
from avsi.media.sound_reading import read_mono
from avsi.pretrained import SPEAKER_ENCODER
from avsi.program import in_parallel, once, print_table, progress, run_program
from avsi.restoring.voices import LEAST_SPEECH_S, VoiceEncoder, voice_of

# Of a data directory: the vectors, and by id the reasons for missing ones.
ARCHIVE, LEFT_OUT = "voices.ark", "voices_left_out"
app = typer.Typer(add_completion=False)


@app.command()
def main(
    datadirs: Annotated[list[Path], typer.Argument(help="Data directories; what they have of this is made anew.")],
    encoder: Annotated[str, typer.Option(help="A speaker encoder: a pretrained one, or a folder.")] = SPEAKER_ENCODER,
    jobs: Annotated[int, typer.Option(min=1, help="Processes.")] = 2,
    cluster: OnCluster = None,
    max_left_out: Annotated[
        float, typer.Option(help="Fail, and change no list, where a larger share has too little speech.")
    ] = 0.1,
) -> None:
    """Make a vector for each utterance, which says whose voice is heard: what models with model.voice are told."""
    made_by = VoiceEncoder.from_pretrained(encoder, "cpu").digest
    for datadir in datadirs:
        with locked(datadir):
            make(datadir, encoder, made_by, jobs, max_left_out)


def make(datadir: Path, encoder: str, made_by: str, jobs: int, max_left_out: float) -> None:
    """Fill one data directory's ``voices.{scp,ark}`` and ``voices_by``.

    Args:
        made_by: the encoder's digest.

    Raises:
        DataError: a larger share than ``max_left_out`` that has no vector.
    """
    utterances = read_datadir(datadir)
    tasks = [(_vector, utterance, encoder) for utterance in utterances]
    found = list(progress(in_parallel(jobs, tasks), len(tasks), f"{datadir.name}: voices"))
    reasons = {u.id: made for u, made in zip(utterances, found, strict=True) if isinstance(made, str)}
    write_text(datadir / LEFT_OUT, "".join(f"{id_} {reason}\n" for id_, reason in reasons.items()))
    if len(reasons) > max_left_out * len(utterances):
        raise DataError(
            f"{datadir}: {len(reasons)} of {len(utterances)} utterances have no vector, more than --max-left-out "
            f"{max_left_out:g}; {datadir / LEFT_OUT} gives each reason"
        )
    # The list goes first: it never names places in another archive than its own.
    write_datadir(datadir, [dataclasses.replace(u, voice=None, voice_by=None) for u in utterances])
    archive, places = (datadir / ARCHIVE).resolve(), {}
    with written_beside(archive) as partial, partial.open("w+b") as file:
        for utterance, made in zip(utterances, found, strict=True):
            if not isinstance(made, str):
                places[utterance.id] = f"{archive}:{append_matrix(file, utterance.id, made[None])}"
    write_datadir(datadir, [dataclasses.replace(u, voice=places.get(u.id), voice_by=made_by) for u in utterances])
    speakers = len({utterance.speaker for utterance in utterances if utterance.id in places})
    rows = [[str(datadir), len(places), speakers, len(reasons), made_by]]
    print_table("voices", ["set", "utterances", "speakers", "left out", "encoder"], rows)


def _vector(utterance: Utterance, encoder: str) -> np.ndarray | str:
    """The vector of an utterance's voice, float32, shape (n_values,); or why it has none."""
    heard_by = once(VoiceEncoder.from_pretrained, encoder, "cpu")
    rate = heard_by.model.config.stft.sample_rate
    try:
        voice = voice_of(read_mono(utterance.wav, rate), rate, [], heard_by)
    except (DataError, MediaError) as error:
        return " ".join(str(error).split())
    if voice.speech_s < LEAST_SPEECH_S:
        return f"holds {voice.speech_s:.2f} s of speech, expected {LEAST_SPEECH_S:g} s or more"
    return voice.vector


if __name__ == "__main__":
    run_program(app)
