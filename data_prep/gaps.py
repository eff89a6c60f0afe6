"""Draw gaps for a data directory once, into files that every system is evaluated on.

python -m data_prep.gaps data/test random 200 800
python -m data_prep.gaps data/test --protocol ../../evaluation/protocols/paper.yaml
"""

import warnings
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer

from avsi.audio.activity import is_speech
from avsi.audio.stft import log_magnitude, spectrum
from avsi.config import Config
from avsi.config_files import load_config
from avsi.data.datadir import Utterance, read_datadir
from avsi.data.gap_files import check_gaps_cover, check_gaps_fit, gap_file_path, read_gap_file, write_gap_file
from avsi.data.gap_protocol import Condition, parse_conditions, read_protocol
from avsi.data.gap_sampling import draw_in_speech, draw_random, draw_single
from avsi.data.gaps import Gap
from avsi.errors import AvsiWarning, ConfigError, DataError, GapError
from avsi.media.sound_reading import read_mono
from avsi.program import print_table, progress, run_program
from avsi.rng import generator

app = typer.Typer(add_completion=False)


@app.command()
def main(
    datadir: Annotated[Path, typer.Argument(help="The set to damage, where the gap files are written.")],
    conditions: Annotated[
        list[str] | None,
        typer.Argument(help="random (the paper's), lengths in ms of one gap in each utterance, or gap files."),
    ] = None,
    protocol: Annotated[Path | None, typer.Option(help="A YAML file that lists such conditions, and a seed.")] = None,
    seed: Annotated[int | None, typer.Option(help="For drawing; by default the protocol's, or 0.")] = None,
    config: Annotated[
        list[Path], typer.Option(help="A config with the section 'gaps'; of several, the last decides.")
    ] = [],  # noqa: B006
) -> None:
    """Write gaps_<condition> for each condition: draw it, or check and copy the gap file that it names."""
    if (protocol is None) == (not conditions):
        raise ConfigError("name conditions, such as random 200 800, or a --protocol, and not both")
    chosen, protocol_seed = read_protocol(protocol) if protocol else (parse_conditions(conditions), 0)
    settings = load_config(config)
    utterances, rows = read_datadir(datadir), []
    seed = protocol_seed if seed is None else seed
    speech = _speech(utterances, settings) if settings.gaps.in_speech else {}
    for condition in chosen:
        gaps = _gaps(condition, utterances, speech, settings, seed)
        remark = f"from {condition.file}" if condition.file else f"drawn with seed {seed}"
        path = gap_file_path(datadir, condition.name)
        if path.is_file() and read_gap_file(path) != gaps:
            warnings.warn(
                f"{path}: other gaps than before; evaluations keep those they have", AvsiWarning, stacklevel=2
            )
        write_gap_file(path, gaps, remark)
        lost = sum(gap.length_s for of in gaps.values() for gap in of)
        rows.append([condition.name, len(gaps), sum(map(len, gaps.values())), f"{lost / len(gaps):.3f}"])
    print_table(f"{datadir}: gaps", ["condition", "utterances", "gaps", "seconds lost, mean"], rows)


def _speech(utterances: list[Utterance], settings: Config) -> dict[str, np.ndarray]:
    """By utterance, the STFT frames that are no pause."""
    stft, found = settings.stft, {}
    for utterance in progress(utterances, len(utterances), "speech"):
        samples = torch.from_numpy(read_mono(utterance.wav, stft.sample_rate))
        log_spectrum = log_magnitude(spectrum(samples, stft), stft)
        found[utterance.id] = is_speech(log_spectrum, stft, settings.normalise).numpy()
    return found


def _gaps(
    condition: Condition, utterances: list[Utterance], speech: dict[str, np.ndarray], settings: Config, seed: int
) -> dict[str, list[Gap]]:
    """By utterance. Raises DataError naming one whose gaps do not fit it."""
    rate, bounds = settings.stft.sample_rate, settings.gaps
    if condition.file:
        given = read_gap_file(condition.file)
        check_gaps_cover(given, utterances, condition.file)
        check_gaps_fit(given, utterances, condition.file, rate)
        return given
    gaps = {}
    for utterance in utterances:
        # The same places at every run and in every order; other places for each length.
        rng = generator(seed, "gaps", condition.gap_ms or "random", utterance.id)
        if condition.gap_ms:
            draw = partial(draw_single, utterance.duration_s, condition.gap_ms, bounds, rate, rng)
        else:
            draw = partial(draw_random, utterance.duration_s, bounds, rate, rng)
        try:
            everywhere = speech.get(utterance.id)
            gaps[utterance.id] = (
                draw() if everywhere is None else draw_in_speech(draw, everywhere, bounds, settings.stft)
            )
        except GapError as error:
            raise DataError(f"{condition.name}: {utterance.id}: {error}") from error
    return gaps


if __name__ == "__main__":
    run_program(app)
