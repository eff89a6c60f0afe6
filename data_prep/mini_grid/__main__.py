"""Make mini-GRID: a corpus of drawn faces and synthesised voices, in GRID's layout, formats and grammar.

python -m data_prep.mini_grid --out DIR --speakers 8 --sentences 12 --seed 0
"""

from pathlib import Path
from typing import Annotated

import typer

from avsi import __version__
from avsi.cluster import OnCluster
from avsi.errors import ConfigError
from avsi.folders import check_new, folder_beside
from avsi.program import in_parallel, progress, run_program
from avsi.rng import generator

from ..corpus import Corpus
from ..drawn_speakers.options import check_numbers, check_voices
from ..drawn_speakers.speakers import random_speaker
from ..grid.sentences import all_stems
from .clip import write_clip

MAX_SPEAKERS, MAX_SENTENCES = 34, 1000  # GRID's own numbers
app = typer.Typer(add_completion=False)


@app.command()
def main(
    out: Annotated[Path, typer.Option(help="The folder to make.")],
    speakers: Annotated[int, typer.Option(help="How many: 1 to 34.")] = 8,
    without: Annotated[
        list[int], typer.Option(help="A speaker to leave out, such as 21, whose video GRID lacks; repeatable.")
    ] = [],  # noqa: B006
    sentences: Annotated[int, typer.Option(help="Of each speaker: 1 to 1000.")] = 12,
    seed: Annotated[int, typer.Option(help="Other seeds give other speakers and sentences.")] = 0,
    voice: Annotated[
        list[str], typer.Option(help="An espeak-ng voice to draw from, such as en-us+f2; repeatable. By default, many.")
    ] = [],  # noqa: B006
    jobs: Annotated[int, typer.Option(help="Processes to draw with.")] = 2,
    cluster: OnCluster = None,
) -> None:
    """Write sN/*.mpg, align/sN/*.align and, beside each clip, its true landmarks as sN/*.npz.

    A speaker and their sentences depend only on the seed and the speaker's number. The corpus holds no recordings of
    people: voices are synthesised by espeak-ng, faces are drawn.
    """
    check_numbers(
        speakers=(speakers, 1, MAX_SPEAKERS),
        sentences=(sentences, 1, MAX_SENTENCES),
        seed=(seed, 0, None),
        jobs=(jobs, 1, None),
    )
    for number in without:
        if not 1 <= number <= speakers:
            raise ConfigError(f"--without {number}: expected 1 to {speakers}")
    numbers = [number for number in range(1, speakers + 1) if number not in without]
    if not numbers:
        raise ConfigError("--without leaves no speaker; ask for more by --speakers")
    check_new(out)
    check_voices(voice)
    tasks = []
    with folder_beside(out) as partial:
        stems = generator(seed, "sentences").permutation(all_stems()).tolist()
        for number in numbers:
            speaker = random_speaker(seed, number, tuple(voice))
            folder, alignments = partial / f"s{number}", partial / "align" / f"s{number}"
            folder.mkdir()
            alignments.mkdir(parents=True)
            first = (number - 1) * MAX_SENTENCES
            for stem in stems[first : first + sentences]:
                tasks.append((write_clip, speaker, stem, folder, alignments, generator(seed, "clip", stem)))
        for _ in progress(in_parallel(min(jobs, len(tasks)), tasks, ordered=False), len(tasks), "clips"):
            pass
        Corpus(
            name=f"mini-GRID seed {seed}" + (f" ({', '.join(voice)})" if voice else ""),
            id_prefix=f"mini{seed}-",
            about=f"Made by avsi {__version__}: drawn faces and synthesised voices; no recording of anyone, not GRID.",
        ).save(partial)
    print(f"{len(numbers)} speakers, {len(tasks)} clips -> {out}")


if __name__ == "__main__":
    run_program(app, kept="nothing is kept")
