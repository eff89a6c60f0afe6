"""A data directory with each recording in several voices, by the WORLD vocoder; faces and words stay the same.

python -m data_prep.voices data/train data/train_voices --copies 6
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from avsi.audio.files import read_mono, write_wav
from avsi.audio.voice import analyse, draw_voice, speak
from avsi.config import Config, load_config
from avsi.data.datadir import Utterance, corpus_of, read_datadir, write_datadir
from avsi.data.gaps import generator
from avsi.data.ids import id_in_voice
from avsi.errors import DataError, MediaError
from avsi.files import write_text
from avsi.program import in_parallel, progress, run_program

app = typer.Typer(add_completion=False)


@app.command()
def main(
    datadir: Annotated[Path, typer.Argument(help="The recordings as they are; landmarks first, or copies lack them.")],
    out: Annotated[Path, typer.Argument(help="The data directory to make.")],
    copies: Annotated[int, typer.Option(min=1, help="Voices beside each recording's own.")] = 6,
    seed: Annotated[int, typer.Option(help="By which voices are drawn.")] = 0,
    jobs: Annotated[int, typer.Option(min=1, help="Processes.")] = 2,
    config: Annotated[list[Path], typer.Option(help="A config with a section 'voices'.")] = [],  # noqa: B006
    set_: Annotated[list[str], typer.Option("--set", help="key=value over the config; repeatable.")] = [],  # noqa: B006
) -> None:
    """Write ``<id>-v1``, ``-v2``... beside each utterance, with its own speaker's name: what leaves a speaker out
    leaves out all voices given to that face.
    """
    if out.resolve() == datadir.resolve():
        raise DataError(f"{out}: is the directory that the voices are made from")
    settings = load_config(config, set_)
    utterances = read_datadir(datadir)
    kept, drawn, failed = [*utterances], {}, {}
    tasks = [(_speak, utterance, out.resolve() / "wav", copies, seed, settings) for utterance in utterances]
    for utterance, results in progress(in_parallel(jobs, tasks), len(tasks), f"{datadir.name}: voices"):
        if isinstance(results, str):
            failed[utterance.id] = results
            continue
        for id_, (wav, text) in results.items():
            kept.append(dataclasses.replace(utterance, id=id_, wav=wav))
            drawn[id_] = text
    write_datadir(out, kept, corpus_of(datadir))
    write_text(out / "voices", "".join(f"{id_} {text}\n" for id_, text in sorted(drawn.items())))
    write_text(out / "voices_failed", "".join(f"{id_} {reason}\n" for id_, reason in sorted(failed.items())))
    print(f"{out}: {len(utterances)} utterances as they are and {len(drawn)} in other voices; {len(failed)} without")


def _speak(
    utterance: Utterance, folder: Path, copies: int, seed: int, config: Config
) -> tuple[Utterance, dict[str, tuple[str, str]] | str]:
    """The utterance and, by the copies' ids, where each was written and what was drawn; or why there is none."""
    rate = config.stft.sample_rate
    try:
        analysis = analyse(np.asarray(read_mono(utterance.wav, rate)), rate)
        made = {}
        for number in range(1, copies + 1):
            id_ = id_in_voice(utterance.id, number)
            voice = draw_voice(analysis, config.voices, generator(seed, "voice", id_))
            path = folder / utterance.speaker / f"{id_}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_wav(path, speak(analysis, voice), rate)
            made[id_] = str(path), " ".join(f"{value:.3f}" for value in dataclasses.astuple(voice))
        return utterance, made
    except MediaError as error:
        return utterance, str(error)


if __name__ == "__main__":
    run_program(app)
