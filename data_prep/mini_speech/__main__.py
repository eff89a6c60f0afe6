"""Make mini-speech: a corpus of drawn faces and synthesised voices that say free sentences.

python -m data_prep.mini_speech --out DIR --speakers 8 --sentences 12 --seed 0
"""

from pathlib import Path
from typing import Annotated

import typer

from avsi import __version__
from avsi.cluster import OnCluster
from avsi.folders import check_new, folder_beside
from avsi.program import in_parallel, progress, run_program
from avsi.rng import generator

from ..corpus import Corpus
from ..drawn_speakers.options import check_numbers, check_voices
from ..drawn_speakers.speakers import random_speaker
from .recording import write_recording
from .sentences import draw_sentence

MAX_SPEAKERS = MAX_SENTENCES = 999  # names have three digits
BEFORE_FIRST = 1000  # the number before the first speaker's: mini-GRID of the same seed has other people
app = typer.Typer(add_completion=False)


@app.command()
def main(
    out: Annotated[Path, typer.Option(help="The folder to make.")],
    speakers: Annotated[int, typer.Option(help="How many: 1 to 999.")] = 8,
    sentences: Annotated[int, typer.Option(help="Of each speaker: 1 to 999.")] = 12,
    seed: Annotated[int, typer.Option(help="Other seeds give other speakers and sentences.")] = 0,
    voice: Annotated[
        list[str], typer.Option(help="An espeak-ng voice to draw from, such as en-us+f2; repeatable. By default, many.")
    ] = [],  # noqa: B006
    sound_alone: Annotated[bool, typer.Option("--sound-alone", help="Write no pictures: much quicker.")] = False,
    jobs: Annotated[int, typer.Option(help="Processes to draw with.")] = 2,
    cluster: OnCluster = None,
) -> None:
    """Write sNNN/NNN.mpg, or .wav, with its words in a .txt and its true landmarks in an .npz beside it.

    A recording depends only on the seed, its speaker's number and its own. The corpus holds no recordings of people:
    voices are synthesised by espeak-ng, faces are drawn, sentences are drawn from a small grammar.
    """
    check_numbers(
        speakers=(speakers, 1, MAX_SPEAKERS),
        sentences=(sentences, 1, MAX_SENTENCES),
        seed=(seed, 0, None),
        jobs=(jobs, 1, None),
    )
    check_new(out)
    check_voices(voice)
    tasks, suffix = [], ".wav" if sound_alone else ".mpg"
    with folder_beside(out) as partial:
        for number in range(1, speakers + 1):
            speaker = random_speaker(seed, BEFORE_FIRST + number, tuple(voice))
            folder = partial / f"s{number:03d}"
            folder.mkdir()
            for index in range(1, sentences + 1):
                words = draw_sentence(generator(seed, "sentence", number, index))
                rng = generator(seed, "recording", number, index)
                tasks.append((write_recording, speaker, words, folder / f"{index:03d}{suffix}", rng))
        for _ in progress(in_parallel(min(jobs, len(tasks)), tasks, ordered=False), len(tasks), "recordings"):
            pass
        Corpus(
            name=f"mini-speech seed {seed}" + (f" ({', '.join(voice)})" if voice else ""),
            id_prefix=f"minispeech{seed}-",
            about=f"Made by avsi {__version__}: drawn faces and synthesised voices; no recording of anyone.",
        ).save(partial)
    print(f"{speakers} speakers, {len(tasks)} recordings -> {out}")


if __name__ == "__main__":
    run_program(app, kept="nothing is kept")
