"""Whether restored speech has the speaker's voice: how alike it is to the clean speech, by a speaker encoder.

python -m evaluation.similarity exp/evaluation

All that a system restored of a speaker under a condition is joined: a gap alone is too short to tell a voice.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from torch import Tensor

from avsi.data.gaps import gap_spans
from avsi.errors import AvsiError, ConfigError, DataError
from avsi.folders import locked
from avsi.media.sound_reading import read_mono
from avsi.pretrained import SPEAKER_ENCODER
from avsi.program import print_table, progress, run_program
from avsi.restoring.voices import Voice, VoiceEncoder, voice_of_frames
from avsi.timebase import frames_within

from .folder.evaluation import Evaluation
from .folder.layout import STFT, VOICES
from .folder.restored_set import RestoredSet
from .folder.rows import write_rows
from .folder.signals import Spans, log_spectrum, lost_frames_of, read_restored
from .reporting.cells import mean_text
from .statistics.voices import ENCODER, KEYS, alike

app = typer.Typer(add_completion=False)
Voices = dict[str, Voice | str]  # by speaker; why there is none


@app.command()
def main(
    folders: Annotated[list[Path], typer.Argument(help="Evaluations that evaluation.restore wrote.")],
    encoder: Annotated[str, typer.Option(help="A speaker encoder: a pretrained model, or a folder.")] = SPEAKER_ENCODER,
) -> None:
    """Write voices.jsonl for each system and condition: a row a speaker. Results of the same encoder stay."""
    evaluations = [Evaluation.read(folder) for folder in folders]
    known = VoiceEncoder.from_pretrained(encoder)
    if known.model.config.stft != STFT:
        raise ConfigError(f"{encoder}: hears another spectrogram than evaluations are measured on")
    rows = []
    for evaluation in evaluations:
        with locked(evaluation.folder):
            for one, found in compare(evaluation, known):
                means = alike(found)
                cells = [mean_text(estimate) for estimate in (means.own, means.original, means.others)]
                rows.append([f"{evaluation.folder.name}: {one}", *cells, len(found)])
            evaluation.add_run()
    print_table(f"how alike voices are, by {encoder}", ["set", "own", "original", "others", "speakers"], rows)
    for evaluation in evaluations:
        if evaluation.caution:
            print(f"{evaluation.folder}: {evaluation.caution}")


def compare(evaluation: Evaluation, encoder: VoiceEncoder) -> list[tuple[RestoredSet, list[dict]]]:
    """The rows of each set, which are written where they are new."""
    found = []
    for condition in dict.fromkeys(one.condition for one in evaluation.sets):
        sets = [one for one in evaluation.sets if one.condition == condition]
        before = {one.system: list(one.rows(VOICES).values()) for one in sets}
        todo = [
            one for one in sets if any(row[ENCODER] != encoder.digest for row in before[one.system] or [{ENCODER: ""}])
        ]
        if todo:
            clean = {u.id: read_mono(u.wav, STFT.sample_rate) for u in evaluation.utterances}
            gaps = evaluation.gaps[condition]
            spans = {id_: gap_spans(gaps[id_], len(samples), STFT.sample_rate) for id_, samples in clean.items()}
            around = {
                id_: log_spectrum(samples)[~lost_frames_of(samples, spans[id_])] for id_, samples in clean.items()
            }
            inside = {id_: _inside(samples, spans[id_]) for id_, samples in clean.items()}
            own, original = _voices(evaluation, around, encoder), _voices(evaluation, inside, encoder)
        for one in progress(todo, len(todo), f"{condition}, systems"):
            restored = {}
            for id_ in one.wavs:
                restored[id_] = _inside(read_restored(one.wavs[id_], len(clean[id_])), spans[id_])
            before[one.system] = _rows(own, original, _voices(evaluation, restored, encoder), encoder)
            write_rows(one.folder / VOICES, before[one.system])
        found += [(one, before[one.system]) for one in sets]
    return found


def _inside(samples: np.ndarray, spans: Spans) -> Tensor:
    """The frames whose windows lie in a gap; natural log magnitude, shape (n, n_bins)."""
    spectrum = log_spectrum(samples)
    return torch.cat([spectrum[slice(*frames_within(start, stop, STFT))] for start, stop in spans])


def _voices(evaluation: Evaluation, frames: dict[str, Tensor], encoder: VoiceEncoder) -> Voices:
    """The voice in all frames of each speaker, or why there is none.

    Args:
        frames: by utterance id; what was not restored is missing.
    """
    least_s = encoder.window_s
    found: Voices = {}
    for speaker in dict.fromkeys(u.speaker for u in evaluation.utterances):
        mine = [frames[u.id] for u in evaluation.utterances if u.speaker == speaker and u.id in frames]
        try:
            if not mine:
                raise DataError("not restored")
            voice = voice_of_frames(torch.cat(mine), encoder)
            if voice.speech_s < least_s:
                raise DataError(f"{voice.speech_s:.2f} s of speech, expected {least_s:g} s or more")
            found[speaker] = voice
        except AvsiError as error:
            found[speaker] = str(error)
    return found


def _rows(own: Voices, original: Voices, restored: Voices, encoder: VoiceEncoder) -> list[dict]:
    """One row a speaker; without a value, with the reason in ``failed``."""
    rows = []
    for speaker in own:
        others = [voice for name, voice in own.items() if name != speaker and isinstance(voice, Voice)]
        one, heard = restored[speaker], own[speaker]
        values: dict[str, float | None] = dict.fromkeys(KEYS)
        failed = {}
        for key, voice in (("own", one), ("original", original[speaker])):
            if isinstance(voice, Voice) and isinstance(heard, Voice):
                values[key] = voice.alike(heard)
            else:
                failed[key] = voice if isinstance(voice, str) else f"the clean speech beside it: {heard}"
        if isinstance(one, Voice) and others:
            values["others"] = float(np.mean([one.alike(other) for other in others]))
        else:
            failed["others"] = one if isinstance(one, str) else "there is no other speaker"
        speech_s = one.speech_s if isinstance(one, Voice) else None
        rows.append({"id": speaker, **values, "speech_s": speech_s, "failed": failed, ENCODER: encoder.digest})
    return rows


if __name__ == "__main__":
    run_program(app)
