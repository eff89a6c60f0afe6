"""How well a speaker encoder tells the speakers of a data directory apart: its equal error rate.

python -m evaluation.speakers data/test --seconds 3 --seconds 5
"""

import json
import warnings
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import torch
import typer

from avsi.audio.activity import is_speech
from avsi.audio.stft import log_magnitude, spectrum
from avsi.data.datadir import Utterance, development_of, read_datadir
from avsi.data.ids import speaker_in
from avsi.errors import AvsiWarning, DataError
from avsi.files import write_text
from avsi.media.sound_reading import read_mono
from avsi.metrics import UndefinedMetric
from avsi.metrics.equal_errors import EqualErrors, Trials
from avsi.models.store import DESCRIPTION, find_model, read_train_ids
from avsi.pretrained import SPEAKER_ENCODER
from avsi.program import print_table, progress, run_program
from avsi.restoring.voices import VoiceEncoder
from avsi.timebase import to_frames

RESAMPLES = 500
COVERED = (2.5, 97.5)  # percentiles: a 95 % interval
MOST_PIECES = 20  # of a speaker: more would count the same voice over and over
app = typer.Typer(add_completion=False)


class Piece(NamedTuple):
    """Speech of one speaker, without pauses.

    Attributes:
        speaker: its number.
        utterances: the numbers of those that it is taken from.
        vector: shape (n_values,).
    """

    speaker: int
    utterances: frozenset[int]
    vector: np.ndarray


class Result(NamedTuple):
    """The errors on pieces of one length. ``same_recording``: speakers whose pieces all share utterances."""

    seconds: float
    errors: EqualErrors
    low: float
    high: float
    speakers: int
    pieces: int
    same: int
    different: int
    same_recording: int


@app.command()
def main(
    datadir: Annotated[Path, typer.Argument(help="A data directory with several speakers.")],
    seconds: Annotated[
        list[float], typer.Option(min=0.1, help="How much speech each voice is taken from; repeatable.")
    ],
    encoder: Annotated[str, typer.Option(help="A speaker encoder: a pretrained model, or a folder.")] = SPEAKER_ENCODER,
    out: Annotated[
        Path | None, typer.Option(help="The JSON file to write; speaker_errors.json in the data directory by default.")
    ] = None,
    keep_threshold: Annotated[
        bool,
        typer.Option(
            "--keep-threshold",
            help="Write where both errors are equal, for the first of the lengths, into the encoder's settings: only "
            "after a development set.",
        ),
    ] = False,
) -> None:
    """Join the speech of each speaker, without its pauses, cut it into pieces, and compare all pairs of pieces: of one
    speaker only pieces of different utterances, where there are such.
    """
    known = VoiceEncoder.from_pretrained(encoder)
    utterances = read_datadir(datadir)
    out = out or datadir / "speaker_errors.json"
    if not out.parent.is_dir():
        raise DataError(f"{out}: the folder {out.parent} does not exist")
    if len({utterance.speaker for utterance in utterances}) < 2:
        raise DataError(f"{datadir}: has one speaker; telling speakers apart takes two or more")
    _tell_overlap(encoder, utterances)
    speech = [_speech(utterance, known) for utterance in progress(utterances, len(utterances), "utterances")]
    results = [_measure(datadir, utterances, speech, length_s, known) for length_s in seconds]
    rows = [
        [
            f"{one.seconds:g}",
            f"{100 * one.errors.rate:.2f} [{100 * one.low:.2f}, {100 * one.high:.2f}]",
            f"{one.errors.threshold:.3f}",
            *(one.speakers, one.pieces, one.same, one.different, one.same_recording),
        ]
        for one in results
    ]
    header = ["seconds", "equal errors, %", "at cosine", "speakers", "pieces", "same", "different", "one recording"]
    print_table(f"{datadir}: telling speakers apart, by {encoder}", header, rows)
    if caution := development_of(datadir):
        print(f"Development set, no test set: {caution}.")
    told = [one._asdict() | one.errors._asdict() for one in results]
    for each in told:
        del each["errors"]
    write_text(out, json.dumps({"encoder": known.digest, "results": told}, indent=2) + "\n")
    if keep_threshold:
        path = find_model(encoder) / DESCRIPTION
        description = json.loads(path.read_text("utf-8"))
        description["config"]["model"]["threshold"] = round(min(max(results[0].errors.threshold, 0), 1), 4)
        write_text(path, json.dumps(description, indent=2) + "\n")


def _tell_overlap(encoder: str, utterances: list[Utterance]) -> None:
    """A warning where speakers were trained on."""
    seen = {speaker_in(id_) for id_ in read_train_ids(encoder) or ()} & {utterance.speaker for utterance in utterances}
    if seen:
        told = f"{encoder} was trained on {len(seen)} of these speakers, such as {min(seen)}"
        warnings.warn(told, AvsiWarning, stacklevel=3)


def _speech(utterance: Utterance, encoder: VoiceEncoder) -> torch.Tensor:
    """Natural log magnitude of what is no pause, shape (n_frames, n_bins)."""
    config = encoder.model.config
    samples = torch.from_numpy(read_mono(utterance.wav, config.stft.sample_rate))
    log_spectrum = log_magnitude(spectrum(samples, config.stft), config.stft)
    return log_spectrum[is_speech(log_spectrum, config.stft, config.normalise)]


def _measure(
    datadir: Path, utterances: list[Utterance], speech: list[torch.Tensor], length_s: float, encoder: VoiceEncoder
) -> Result:
    pieces = cut(utterances, speech, length_s, encoder)
    if len(pieces) < 2:
        raise DataError(f"{datadir}: no two speakers with two pieces of {length_s:g} s of speech")
    speakers = np.array([piece.speaker for piece in pieces])
    one, two = np.triu_indices(len(pieces), 1)
    same = speakers[one] == speakers[two]
    apart = np.array([not pieces[a].utterances & pieces[b].utterances for a, b in zip(one, two, strict=True)], bool)
    able = np.unique(speakers[one[same & apart]])
    lacking = np.setdiff1d(speakers[one[same]], able)
    used = ~same | apart | np.isin(speakers[one], lacking)
    one, two, same = one[used], two[used], same[used]
    vectors = np.array([piece.vector for piece in pieces])
    trials = Trials(np.einsum("nv,nv->n", vectors[one], vectors[two]), same)
    try:
        errors = trials.equal_errors()
    except UndefinedMetric as error:
        raise DataError(f"{datadir}: no two speakers with two pieces of {length_s:g} s of speech") from error
    low, high = _interval(trials, speakers[one], speakers[two])
    counts = len(set(speakers.tolist())), len(pieces), int(same.sum()), int((~same).sum()), len(lacking)
    return Result(length_s, errors, low, high, *counts)


def cut(utterances: list[Utterance], speech: list[torch.Tensor], length_s: float, encoder: VoiceEncoder) -> list[Piece]:
    """The joined speech of each speaker in pieces of equal length, at most ``MOST_PIECES`` of each, spread evenly; a
    rest that is shorter is left out.
    """
    length = to_frames(length_s, encoder.model.config.stft)
    pieces = []
    for number, speaker in enumerate(dict.fromkeys(utterance.speaker for utterance in utterances)):
        mine = [index for index, utterance in enumerate(utterances) if utterance.speaker == speaker]
        joined = torch.cat([speech[index] for index in mine])
        of = np.repeat(mine, [len(speech[index]) for index in mine])
        count = len(joined) // length
        for place in np.unique(np.linspace(0, count - 1, min(count, MOST_PIECES)).astype(int)) if count else ():
            here = slice(place * length, (place + 1) * length)
            pieces.append(Piece(number, frozenset(of[here].tolist()), encoder.model.embed(joined[here]).cpu().numpy()))
    return pieces


def _interval(trials: Trials, one: np.ndarray, two: np.ndarray) -> tuple[float, float]:
    """Of the equal error rate, by drawing speakers with replacement; ``one``, ``two``: the speakers of each pair."""
    rng = np.random.default_rng(0)
    numbers = np.unique(np.concatenate([one, two]))
    rates = []
    for _ in range(RESAMPLES):
        times = np.zeros(numbers.max() + 1)
        np.add.at(times, rng.choice(numbers, len(numbers)), 1)
        try:
            rates.append(trials.equal_errors(np.where(one == two, times[one], times[one] * times[two])).rate)
        except UndefinedMetric:  # one speaker alone was drawn
            continue
    low, high = np.percentile(rates, COVERED)
    return float(low), float(high)


if __name__ == "__main__":
    run_program(app)
