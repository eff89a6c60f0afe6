"""AN4, Carnegie Mellon's Census database -> a folder of recordings with their words beside them.

python -m data_prep.an4 --root DIR --out DIR
python -m data_prep.recordings --root DIR --out data/an4
"""

import re
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from avsi.errors import DataError
from avsi.files import read_lines, write_text
from avsi.folders import check_new, folder_beside
from avsi.media.sound_writing import write_wav
from avsi.program import progress, run_program

from .corpus import Corpus

RATE = 16000
LINE = re.compile(r"(?P<words>.*)\((?P<name>[^()\s]+)\)\s*")
NO_WORDS = ("<s>", "</s>", "<sil>")
app = typer.Typer(add_completion=False)


@app.command()
def main(
    root: Annotated[Path, typer.Option(help="The folder that holds AN4: wav/*/<speaker>/*.raw, etc/*.transcription.")],
    out: Annotated[Path, typer.Option(help="The folder to make.")],
) -> None:
    """Write <speaker>/<recording>.wav, with its words in a .txt beside it, of the training and the test set."""
    recordings = find_recordings(root)
    words = read_transcriptions(root)
    for path in recordings:
        if path.stem not in words:
            raise DataError(
                f"{path}: no line of {root}/etc/*.transcription ends in ({path.stem}); add one, or delete it"
            )
    check_new(out)
    with folder_beside(out) as partial:
        for path in progress(recordings, len(recordings), "AN4"):
            folder = partial / speaker_of(path)
            folder.mkdir(exist_ok=True)
            write_wav(folder / f"{path.stem}.wav", read_raw(path), RATE)
            write_text(folder / f"{path.stem}.txt", f"{' '.join(words[path.stem])}\n")
        Corpus("AN4", "an4-", "Carnegie Mellon University, 1991: spelled words, numbers and commands.").save(partial)
    print(f"{len(set(map(speaker_of, recordings)))} speakers, {len(recordings)} recordings -> {out}")
    if more := len(words) - len(recordings):
        print(f"note: {more} transcriptions have no recording")


def find_recordings(root: Path) -> list[Path]:
    """The raw files, each in its speaker's folder.

    Raises:
        DataError: no such folder, none in it, or two of one speaker and name.
    """
    if not root.is_dir():
        raise DataError(f"{root}: no such folder")
    paths: dict[tuple[str, str], Path] = {}
    for path in sorted(root.glob("wav/*/*/*.raw")):
        if other := paths.get((speaker_of(path), path.stem)):
            raise DataError(f"{path}: {other} has the same speaker and name; delete one")
        paths[speaker_of(path), path.stem] = path
    if not paths:
        raise DataError(
            f"{root}: no recording of AN4 in it; expected files such as wav/an4_clstk/fash/an251-fash-b.raw"
        )
    return list(paths.values())


def speaker_of(path: Path) -> str:
    """The speaker's sex and initials. AN4 does not say whether mdcs and mdcs2 are two people, and they count as one: no
    speaker is then in two sets.
    """
    return path.parent.name.rstrip("0123456789")


def read_transcriptions(root: Path) -> dict[str, list[str]]:
    """By recording, the words in lower case, from lines such as ``<s> RUBOUT SIX </s> (an251-fash-b)``.

    Raises:
        DataError: no such file, or a line of another form.
    """
    paths = sorted(root.glob("etc/*.transcription"))
    if not paths:
        raise DataError(f"{root}: no transcription in it; expected etc/an4_train.transcription and the like")
    words = {}
    for path in paths:
        for number, line in enumerate(read_lines(path), start=1):
            found = LINE.fullmatch(line)
            if not found:
                raise DataError(f"{path}:{number}: expected '<s> WORDS </s> (recording)', found '{line}'")
            words[found["name"]] = [word.lower() for word in found["words"].split() if word not in NO_WORDS]
    return words


def read_raw(path: Path) -> np.ndarray:
    """The sound of a raw file of 16-bit samples at 16 kHz, float32 of shape (n,), full scale 1.

    AN4 is published in either order of bytes, and its README names but one. Swapped bytes are noise, so that the order
    is taken in which neighbouring samples differ less.

    Raises:
        DataError: an empty file, or half a sample at its end.
    """
    data = path.read_bytes()
    if not data or len(data) % 2:
        raise DataError(f"{path}: {len(data)} bytes, expected 16-bit samples; it is cut short, fetch it again")
    orders = [np.frombuffer(data, order).astype(np.float32) / (1 << 15) for order in (">i2", "<i2")]
    return min(orders, key=lambda samples: np.abs(np.diff(samples)).sum())


if __name__ == "__main__":
    run_program(app, kept="nothing is kept")
