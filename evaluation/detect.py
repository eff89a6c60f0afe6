"""How well damage is found: event F1, errors of edges and false alarms, on clips that are damaged by kind.

python -m evaluation.detect data/test --out exp/detect --kind silence --kind noise --codec none --codec mp3

Each utterance is damaged once for each kind, codec and room, in speech, by the generator of `avsi damage`; and once
not at all: what is found there is a false alarm. A stretch is found where what was found, of whatever kind, has more
than a half in common with it.
"""

import json
import warnings
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, NamedTuple

import numpy as np
import soundfile
import typer

from avsi.audio.activity import is_speech
from avsi.audio.samples import from_float, resample
from avsi.cluster import OnCluster
from avsi.config import NormaliseConfig
from avsi.damaging.clips import MAKERS, damage_clip
from avsi.damaging.coding import CODECS, coded, draw_bit_rate
from avsi.data.damage import KINDS, USUAL, Damage
from avsi.data.datadir import Utterance, corpus_of, development_of, read_datadir
from avsi.detecting.detect import detect_in
from avsi.detecting.listener import load_listener
from avsi.errors import AvsiWarning, ConfigError, DataError
from avsi.files import write_text
from avsi.folders import check_folder, folder_beside
from avsi.media.sound_reading import open_sound, read_mono
from avsi.metrics.events import join_events, match_events
from avsi.models.store import find_model
from avsi.pretrained import TAGGER
from avsi.program import in_parallel, once, print_table, progress, run_program
from avsi.rng import generator
from avsi.training.tagging import gate

from .folder.layout import STFT
from .folder.signals import log_spectrum
from .rooms import AS_RECORDED, ROOMS
from .statistics.intervals import Bootstrap, Estimate

RATE = STFT.sample_rate
WHOLE, GATED = "undamaged", "gated"  # conditions without damage: as recorded, and with pauses of digital silence
NO_CODEC, RULES = "none", "none"
PER_S = 600.0  # false alarms are counted in ten minutes
Fixed = dict[str, dict[str, float]]  # by kind, what is not drawn
app = typer.Typer(add_completion=False)


class Condition(NamedTuple):
    """How utterances are recorded, of :data:`ROOMS`; damaged, by a kind of :data:`MAKERS`, or ``WHOLE`` or ``GATED``;
    and coded afterwards.
    """

    kind: str
    codec: str
    room: str = AS_RECORDED

    def __str__(self) -> str:
        others = [each for each in (self.codec, self.room) if each not in (NO_CODEC, AS_RECORDED)]
        return ", ".join([self.kind, *others])

    @property
    def rate(self) -> int:
        """Of the files that are looked at, in Hz."""
        return ROOMS[self.room][1] or RATE

    @property
    def is_damaged(self) -> bool:
        return self.kind in MAKERS


@app.command()
def main(
    datadir: Annotated[Path, typer.Argument(help="A data directory of undamaged recordings.")],
    out: Annotated[Path, typer.Option(help="The folder to make: rows.jsonl and summary.json.")],
    kind: Annotated[list[str], typer.Option(help=f"Of {', '.join(MAKERS)}; repeatable. All by default.")] = [],  # noqa: B006
    codec: Annotated[
        list[str], typer.Option(help=f"Of {NO_CODEC}, {', '.join(CODECS)}; repeatable. {NO_CODEC} by default.")
    ] = [NO_CODEC],  # noqa: B006
    room: Annotated[
        list[str], typer.Option(help=f"Of {', '.join(ROOMS)}; repeatable. {AS_RECORDED}: as recorded, by default.")
    ] = [AS_RECORDED],  # noqa: B006
    stretches: Annotated[int, typer.Option(min=1, help="How many in an utterance.")] = 1,
    face: Annotated[bool, typer.Option("--face", help="Show the face too, where there are landmarks.")] = False,
    sure: Annotated[float, typer.Option(min=0.0, max=1.0, help="As in `avsi detect`.")] = 0.5,
    snr: Annotated[
        float | None, typer.Option(help="Of noise, in dB; by default drawn from -20 to 0.", show_default=False)
    ] = None,
    drop: Annotated[
        float | None, typer.Option(help="Of level, in dB; by default drawn from 20 to 50.", show_default=False)
    ] = None,
    tagger: Annotated[str, typer.Option(help=f"What finds what no rule can tell; {RULES} leaves that out.")] = TAGGER,
    seed: Annotated[int, typer.Option(help="Of the damage.")] = 0,
    jobs: Annotated[int, typer.Option(min=1, help="Processes.")] = 2,
    cluster: OnCluster = None,
) -> None:
    """Damage each utterance in several ways, and look for the damage."""
    utterances, kinds = read_datadir(datadir), kind or list(MAKERS)
    asked = ((kinds, MAKERS), (codec, (NO_CODEC, *CODECS)), (room, ROOMS))
    for name, known in ((name, known) for names, known in asked for name in names):
        if name not in known:
            raise ConfigError(f"'{name}': expected one of {', '.join(known)}")
    if face and not any(utterance.landmarks for utterance in utterances):
        raise DataError(f"{datadir}: no utterance has landmarks; run data_prep.landmarks, or leave --face out")
    if tagger != RULES:
        find_model(tagger)
    check_folder(out)
    fixed: Fixed = {} if snr is None else {"noise": {"snr_db": snr}}
    fixed |= {} if drop is None else {"level": {"drop_db": drop}}
    every = product(dict.fromkeys(room), dict.fromkeys(codec), (*dict.fromkeys(kinds), WHOLE, GATED))
    conditions = [Condition(of, by, where) for where, by, of in every]
    tasks = [
        (look, u, condition, stretches, fixed, face, sure, seed, tagger) for condition in conditions for u in utterances
    ]
    with folder_beside(out) as partial:
        rows = list(progress(in_parallel(jobs, tasks), len(tasks), "looking for damage"))
        write_text(partial / "rows.jsonl", "".join(f"{json.dumps(row)}\n" for row in rows))
        summary = summarise(rows, conditions)
        about = {
            "set": corpus_of(datadir),
            "utterances": len(utterances),
            "stretches": stretches,
            "face": face,
            "fixed": fixed,
        }
        write_text(
            partial / "summary.json",
            json.dumps(about | {"sure": sure, "tagger": tagger, "seed": seed, "of": summary}, indent=2) + "\n",
        )
    senses = "sound and face" if face else "sound"
    title = f"{len(utterances)} utterances of {datadir}: damage that is found by {senses}"
    _print(title, summary)
    if caution := development_of(datadir):
        print(f"Development set, no test set: {caution}.")


def look(
    utterance: Utterance,
    condition: Condition,
    stretches: int,
    fixed: Fixed,
    face: bool,
    sure: float,
    seed: int,
    tagger: str,
) -> dict[str, object]:
    """What is there and what is found in an utterance that is damaged, in seconds."""
    samples, truth = damaged(utterance, condition, stretches, seed, fixed)
    tracks = utterance.load_landmarks() if face and utterance.landmarks else None
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", AvsiWarning)
        path = Path(folder) / "clip.wav"
        soundfile.write(path, from_float(samples, np.int16), condition.rate)
        listener = None if tagger == RULES else replace(once(load_listener, tagger), video=tracks)
        with open_sound(path) as sound:
            kinds = {*USUAL, *({condition.kind} & set(KINDS))}
            found = detect_in(path, sound, kinds, sure, listener=listener)
    return {
        "id": utterance.id,
        "speaker": utterance.speaker,
        "condition": str(condition),
        "seconds": len(samples) / condition.rate,
        "true": [(each.start_s, each.end_s, each.kind) for each in truth],
        "found": [(each.start_s, each.end_s, each.kind, round(each.sure, 3)) for each in found],
    }


def damaged(
    utterance: Utterance, condition: Condition, stretches: int, seed: int, fixed: Fixed
) -> tuple[np.ndarray, list[Damage]]:
    """(samples at the rate of the condition, shape (n_samples,), what is damaged); the same of one seed, whatever else
    is asked for.
    """
    clean = read_mono(utterance.wav, RATE).astype(np.float32)
    speech = is_speech(log_spectrum(clean), STFT, NormaliseConfig()).numpy()
    change, rate = ROOMS[condition.room][0], condition.rate
    if change is not None:
        clean = change(clean, RATE, generator(seed, "room", condition.room, utterance.id)).astype(np.float32)
    rng = generator(seed, "damage", condition.kind, condition.codec, utterance.id)
    if condition.kind == GATED:
        clean = gate(clean, speech, STFT, rng)
    samples, truth = resample(clean[:, None], RATE, rate).astype(np.float32), list[Damage]()
    if condition.is_damaged:
        samples, truth = damage_clip(samples, rate, [condition.kind] * stretches, rng, speech, fixed=fixed)
    if condition.codec != NO_CODEC:
        samples = coded(samples, rate, condition.codec, draw_bit_rate(condition.codec, rng))
    return samples[:, 0], truth


def summarise(rows: Sequence[dict], conditions: Sequence[Condition]) -> dict[str, dict]:
    """Of each condition: event F1 of stretches of any kind, the share of found ones that have their right kind, the
    median error of an edge; without damage false alarms in ten minutes.
    """
    summary = {}
    for condition in conditions:
        of = [row for row in rows if row["condition"] == str(condition)]
        bootstrap = Bootstrap([row["speaker"] for row in of])
        if not condition.is_damaged:
            minutes = np.array([row["seconds"] / PER_S for row in of])
            alarms = np.array([len(join_events([(a, b) for a, b, *_ in row["found"]])) for row in of])
            summary[str(condition)] = {
                "false_alarms": _rounded(bootstrap.estimate(alarms / minutes, minutes)),
                "minutes": round(float(minutes.sum() * PER_S / 60), 1),
            }
            continue
        scores = [_score(row) for row in of]
        matched, there, found, named = np.array([score.counts for score in scores], float).T
        with np.errstate(invalid="ignore"):
            f1 = bootstrap.estimate(np.where(there + found > 0, 2 * matched / (there + found), np.nan), there + found)
        errors = [error for score in scores for error in score.edge_errors_s]
        summary[str(condition)] = {
            "stretches": int(there.sum()),
            "found": int(found.sum()),
            "event_f1": _rounded(f1),
            "right_kind": round(float(named.sum() / max(matched.sum(), 1)), 3),
            "edge_error_ms": round(float(1000 * np.median(errors)), 1) if errors else None,
        }
    return summary


class Score(NamedTuple):
    """Of one utterance: how many stretches were matched, are there, were found, and have their right kind."""

    counts: tuple[int, int, int, int]
    edge_errors_s: list[float]


def _score(row: dict) -> Score:
    true, found = [(a, b) for a, b, _ in row["true"]], join_events([(a, b) for a, b, *_ in row["found"]])
    matches = match_events(true, found)
    named, errors = 0, list[float]()
    for match in matches:
        (start_s, end_s), (begin_s, stop_s) = true[match.true], found[match.found]
        errors += [abs(begin_s - start_s), abs(stop_s - end_s)]
        inside = {kind for a, b, kind, _ in row["found"] if begin_s <= a and b <= stop_s}
        named += row["true"][match.true][2] in inside
    return Score((len(matches), len(true), len(found), named), errors)


def _rounded(estimate: Estimate) -> list[float]:
    return [round(value, 3) for value in (estimate.mean, estimate.low, estimate.high)]


def _print(title: str, summary: dict[str, dict]) -> None:
    def with_interval(value: list[float]) -> str:
        return f"{value[0]:.2f} [{value[1]:.2f}, {value[2]:.2f}]"

    damaged_rows = [
        [name, of["stretches"], of["found"], with_interval(of["event_f1"]), of["right_kind"], of["edge_error_ms"]]
        for name, of in summary.items()
        if "event_f1" in of
    ]
    print_table(title, ["damage", "there", "found", "event F1", "right kind", "edges, ms"], damaged_rows)
    whole_rows = [
        [name, of["minutes"], with_interval(of["false_alarms"])] for name, of in summary.items() if "minutes" in of
    ]
    print_table("Without damage", ["", "minutes", "false alarms in ten"], whole_rows)


if __name__ == "__main__":
    run_program(app)
