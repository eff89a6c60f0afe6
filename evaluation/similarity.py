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

from avsi.data.datadir import Utterance
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
        own, original, restored = _voices(evaluation, condition, todo, encoder) if todo else ({}, {}, {})
        for one in todo:
            before[one.system] = _rows(own, original, restored[one.system], encoder)
            write_rows(one.folder / VOICES, before[one.system])
        found += [(one, before[one.system]) for one in sets]
    return found


def _voices(
    evaluation: Evaluation, condition: str, sets: list[RestoredSet], encoder: VoiceEncoder
) -> tuple[Voices, Voices, dict[str, Voices]]:
    """The speakers' voices in the clean speech around the gaps and in the gaps, and by system in what it restored. Of
    one speaker at a time sounds are held.
    """
    own: Voices = {}
    original: Voices = {}
    restored: dict[str, Voices] = {one.system: {} for one in sets}
    by_speaker: dict[str, list[Utterance]] = {}
    for utterance in evaluation.utterances:
        by_speaker.setdefault(utterance.speaker, []).append(utterance)
    for speaker, utterances in progress(by_speaker.items(), len(by_speaker), f"{condition}, speakers"):
        around: list[Tensor] = []
        inside: list[Tensor] = []
        made: dict[str, list[Tensor]] = {system: [] for system in restored}
        for utterance in utterances:
            samples = read_mono(utterance.wav, STFT.sample_rate)
            spans = gap_spans(evaluation.gaps[condition][utterance.id], len(samples), STFT.sample_rate)
            around.append(log_spectrum(samples)[~lost_frames_of(samples, spans)])
            inside.append(_inside(samples, spans))
            for one in sets:
                if utterance.id in one.wavs:
                    made[one.system].append(_inside(read_restored(one.wavs[utterance.id], len(samples)), spans))
        own[speaker], original[speaker] = _voice(around, encoder), _voice(inside, encoder)
        for system, frames in made.items():
            restored[system][speaker] = _voice(frames, encoder)
    return own, original, restored


def _inside(samples: np.ndarray, spans: Spans) -> Tensor:
    """The frames whose windows lie in a gap; natural log magnitude, shape (n, n_bins)."""
    spectrum = log_spectrum(samples)
    return torch.cat([spectrum[slice(*frames_within(start, stop, STFT))] for start, stop in spans])


def _voice(frames: list[Tensor], encoder: VoiceEncoder) -> Voice | str:
    """The voice in all frames of a speaker, or why there is none."""
    try:
        if not frames:
            raise DataError("not restored")
        voice = voice_of_frames(torch.cat(frames), encoder)
        if voice.speech_s < encoder.window_s:
            raise DataError(f"{voice.speech_s:.2f} s of speech, expected {encoder.window_s:g} s or more")
    except AvsiError as error:
        return str(error)
    return voice


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
