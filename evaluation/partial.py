"""What it is worth to keep what a noise leaves reliable, against dropping the whole stretch.

python -m evaluation.partial data/test --gaps data/test/gaps_800ms --out exp/partial

Each gap of a set gets a noise over its speech, at several signal-to-noise ratios. It is then left as it is; dropped and
restored; or restored while something is kept: the band that `avsi inpaint --keep-below` and `--keep-above` would be
given, or what `--keep-audible` finds.
"""

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer

from avsi.audio.audible import AudibleBins
from avsi.audio.kept_band import KeptBand
from avsi.damaging.cuts import ramps
from avsi.damaging.noises import coloured_noise, power_of, shaped_noise, wind
from avsi.data.datadir import Utterance, corpus_of, development_of, read_datadir
from avsi.data.gap_files import check_gaps_cover, check_gaps_fit, read_gap_file
from avsi.data.gaps import Gap, gap_spans
from avsi.errors import AvsiWarning
from avsi.files import digest, write_text
from avsi.folders import check_folder, folder_beside
from avsi.media.sound_reading import read_mono
from avsi.metrics.checks import UndefinedMetric
from avsi.metrics.intelligibility import stoi
from avsi.metrics.quality import pesq_nb
from avsi.models.store import WEIGHTS, find_model
from avsi.pretrained import CORRECTOR, DEFAULT, REFINER
from avsi.program import in_parallel, once, print_table, progress, run_program
from avsi.restoring.inpainting import Inpainter
from avsi.rng import generator

from .folder.layout import STFT
from .statistics.intervals import Bootstrap

RATE = STFT.sample_rate
SKIRT = 4  # order of the noises' edges: they fall by 24 dB an octave
WHISTLE_HZ = (600.0, 3000.0)
RAMP_S = 0.01
LEFT, WHOLE, DROPPED, KEPT, AUDIBLE = "left as it is", "any", "dropped", "band kept", "audible kept"
NOTHING = "none"
METRICS: dict[str, Callable[[np.ndarray, np.ndarray, int], float]] = {"stoi": stoi, "pesq": pesq_nb}
app = typer.Typer(add_completion=False)


class Cover(NamedTuple):
    """What lies over the speech, shape (n_samples,), and which band may be kept beside it; None where none is."""

    sound: np.ndarray
    kept: KeptBand | None


def _between(count: int, rng: np.random.Generator, low_hz: float, high_hz: float) -> np.ndarray:
    """Noise of a band, with the edges of Butterworth filters."""

    def gain(share: np.ndarray) -> np.ndarray:
        hertz = np.maximum(share * RATE, 1e-3)
        return 1 / np.sqrt((1 + (low_hz / hertz) ** (2 * SKIRT)) * (1 + (hertz / high_hz) ** (2 * SKIRT)))

    return shaped_noise(count, gain, rng)


def _whistle(count: int, rng: np.random.Generator) -> Cover:
    hz = np.exp(rng.uniform(*np.log(WHISTLE_HZ)))
    tone = np.sin(2 * np.pi * (hz * np.arange(count) / RATE + rng.random()))
    return Cover(tone, KeptBand(below_hz=hz - 100, above_hz=hz + 100))


COVERS: dict[str, Callable[[int, np.random.Generator], Cover]] = {
    "hiss above 300 Hz": lambda count, rng: Cover(_between(count, rng, 300, RATE), KeptBand(300)),
    "hiss above 1000 Hz": lambda count, rng: Cover(_between(count, rng, 1000, RATE), KeptBand(1000)),
    "wind below 400 Hz": lambda count, rng: Cover(_between(count, rng, 0, 400), KeptBand(None, 800)),
    "noise of 500 to 1500 Hz": lambda count, rng: Cover(_between(count, rng, 500, 1500), KeptBand(400, 1900)),
    "whistle": _whistle,
    "gusts of wind": lambda count, rng: Cover(wind(count, RATE, rng), KeptBand(None, 1000)),
    "pink noise": lambda count, rng: Cover(coloured_noise(count, 1, rng), None),
    "white noise": lambda count, rng: Cover(coloured_noise(count, 0, rng), None),
}


@app.command()
def main(
    datadir: Annotated[Path, typer.Argument(help="A data directory of undamaged recordings.")],
    gaps: Annotated[Path, typer.Option(help="Its gap file, of one gap in each utterance.")],
    out: Annotated[Path, typer.Option(help="The folder to make: rows.jsonl and summary.json.")],
    model: Annotated[str, typer.Option(help="A model that restores.")] = DEFAULT,
    corrector: Annotated[
        list[str],
        typer.Option(help=f"What corrects that by what is kept; repeatable. {NOTHING}: nothing does."),
    ] = [NOTHING, CORRECTOR],  # noqa: B006
    face: Annotated[bool, typer.Option("--face/--no-face", help="Show the face, where there are landmarks.")] = True,
    snr: Annotated[list[float], typer.Option(help="Of the noise over the gap, in dB; repeatable.")] = [0, -5, -10],  # noqa: B006
    cover: Annotated[list[str], typer.Option(help=f"Of {', '.join(COVERS)}; repeatable. All by default.")] = [],  # noqa: B006
    refiner: Annotated[
        str, typer.Option(help=f"What sharpens what is made, as in avsi inpaint. {NOTHING}: nothing does.")
    ] = REFINER,
    seed: Annotated[int, typer.Option(help="Of the noise.")] = 0,
    jobs: Annotated[int, typer.Option(min=1, help="Processes.")] = 2,
) -> None:
    """Put noise over gaps, restore them in several ways, and score that."""
    utterances, gaps_of = read_datadir(datadir), read_gap_file(gaps)
    check_gaps_cover(gaps_of, utterances, gaps)
    check_gaps_fit(gaps_of, utterances, gaps, RATE)
    for name in (model, refiner, *corrector):
        if name != NOTHING:
            find_model(name)
    check_folder(out)
    asked = (model, refiner, tuple(corrector), face, tuple(snr), tuple(cover or COVERS), seed)
    tasks = [(_score_all, each, gaps_of[each.id], *asked) for each in utterances]
    with folder_beside(out) as partial:
        rows = [row for of in progress(in_parallel(jobs, tasks), len(tasks), "restoring") for row in of]
        write_text(partial / "rows.jsonl", "".join(f"{json.dumps(row)}\n" for row in rows))
        summary = _summary(rows)
        about = {"set": corpus_of(datadir), "gaps": gaps.name, "utterances": len(utterances), "seed": seed}
        about |= {"model": model, "refiner": refiner, "face": face}
        about |= {"correctors": {name: digest(find_model(name) / WEIGHTS) for name in corrector if name != NOTHING}}
        write_text(partial / "summary.json", json.dumps(about | {"of": summary}, indent=2) + "\n")
    table = [[*name.split(" | "), *(f"{of[metric][0]:.3f}" for metric in METRICS)] for name, of in summary.items()]
    print_table(f"{len(utterances)} utterances of {datadir}, {gaps.name}", ["damage", "dB", "done", *METRICS], table)
    if caution := development_of(datadir):
        print(f"Development set, no test set: {caution}.")


def _inpainter(model: str, refiner: str) -> Inpainter:
    return Inpainter.from_pretrained(model, device="cpu", refiner=None if refiner == NOTHING else refiner)


def _score_all(
    utterance: Utterance,
    gaps: list[Gap],
    model: str,
    refiner: str,
    correctors: tuple[str, ...],
    face: bool,
    ratios_db: tuple[float, ...],
    covers: tuple[str, ...],
    seed: int,
) -> list[dict[str, object]]:
    """Of one utterance a row for each damage, ratio and way to deal with it."""
    clean = read_mono(utterance.wav, RATE).astype(np.float64)
    tracks = utterance.load_landmarks() if face and utterance.landmarks else None
    inpainter = once(_inpainter, model, refiner)
    rows: list[dict[str, object]] = []

    def add(damage: str, snr_db: float | None, done: str, samples: np.ndarray) -> None:
        about = {"id": utterance.id, "speaker": utterance.speaker, "damage": damage, "snr_db": snr_db, "done": done}
        rows.append(about | {name: _value(metric, clean, samples) for name, metric in METRICS.items()})

    with warnings.catch_warnings():  # notes that there is no face
        warnings.simplefilter("ignore", AvsiWarning)
        add(WHOLE, None, DROPPED, inpainter.inpaint(clean, RATE, gaps, tracks))
        for damage in covers:
            rng = generator(seed, "partial", damage, utterance.id)
            spans = gap_spans(gaps, len(clean), RATE)
            made = [COVERS[damage](stop - start, rng) for start, stop in spans]
            for snr_db in ratios_db:
                noisy = clean.copy()
                for (start, stop), one in zip(spans, made, strict=True):
                    sound = one.sound * ramps(stop - start, RAMP_S * RATE)
                    power = power_of(clean[start:stop]) / power_of(sound) * 10 ** (-snr_db / 10)
                    noisy[start:stop] += np.sqrt(power) * sound
                add(damage, snr_db, LEFT, noisy)
                for name in correctors:
                    for how, kept in ((KEPT, made[0].kept), (AUDIBLE, AudibleBins())):
                        if kept is None:
                            continue
                        keeping = inpainter.with_kept(kept, None if name == NOTHING else name)
                        add(damage, snr_db, f"{how}, {name}", keeping.inpaint(noisy, RATE, gaps, tracks))
    return rows


def _value(metric: Callable[..., float], clean: np.ndarray, samples: np.ndarray) -> float | None:
    try:
        return round(metric(clean, samples, RATE), 4)
    except UndefinedMetric:
        return None


def _summary(rows: list[dict]) -> dict[str, dict[str, list[float]]]:
    """Of each damage, ratio and way: of each metric the mean, its interval over speakers and utterances, and how many
    utterances have no value.
    """
    groups: dict[str, list[dict]] = {}
    for row in rows:
        snr = "" if row["snr_db"] is None else f"{row['snr_db']:g}"
        groups.setdefault(f"{row['damage']} | {snr} | {row['done']}", []).append(row)
    summary: dict[str, dict[str, list[float]]] = {}
    for name, of in groups.items():
        values = [np.array([row[metric] for row in of], float) for metric in METRICS]  # None becomes NaN
        found = Bootstrap([row["speaker"] for row in of]).estimates((each, None) for each in values)
        summary[name] = {
            metric: [round(one.mean, 4), round(one.low, 4), round(one.high, 4), one.missing]
            for metric, one in zip(METRICS, found, strict=True)
        }
    return summary


if __name__ == "__main__":
    run_program(app)
