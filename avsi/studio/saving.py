"""What is saved of a result: the sound, the film, the labels and the list of what was restored, beside the original."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import AvsiWarning, MediaError
from ..files import write_text
from ..folders import files_together
from ..restoring.edit_log import LoggedEdit, carried, list_path, read_edits, write_edits
from ..restoring.recordings import output_picture, write_restored
from .opened import Opened
from .results import read_result

if TYPE_CHECKING:
    from .worker import Teller

SUFFIXES = {"sound": ".wav", "film": ".mp4", "labels": ".labels.txt", "list": ".edits.json"}
MOST_NUMBERED = 10000


def names_for(folder: Path, base: str, what: Iterable[str]) -> dict[str, Path]:
    """A path for each, all with the same number, so that none is in the way of another file."""
    for number in range(1, MOST_NUMBERED):
        numbered = base + (f"-{number}" if number > 1 else "")
        paths = {each: folder / f"{numbered}{SUFFIXES[each]}" for each in what}
        if not any(path.exists() or list_path(path).exists() for path in paths.values()):
            return paths
    raise MediaError(f"{folder}: holds {MOST_NUMBERED} files {base} already; move some away")


def save(
    teller: Teller, clip: Opened, result: Path, folder: Path, stem: str, what: Sequence[str], labels: str
) -> list[dict[str, str]]:
    """Write files; returns what is where. Every sample outside the gaps is that of the original."""
    patches, listed = read_result(result)
    paths = names_for(folder, f"{stem}.restored", what)
    sound, rate = clip.sound, clip.sound.rate
    spans = [(first, first + len(patch)) for first, patch in patches]
    earlier = carried(read_edits(clip.path, sound), [(a, b, b - a) for a, b in spans], rate)
    edits = [*earlier, *(LoggedEdit(**edit) for edit in listed)]
    saved: list[dict[str, str]] = []
    # All together, so that a save that is cancelled leaves nothing.
    with files_together(folder) as partial:

        def written(what: str, path: Path) -> None:
            saved.append({"what": what, "path": str(folder / path.name)})

        for name in ("sound", "film"):
            if name in paths:
                out = partial / paths[name].name
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", AvsiWarning)  # the page tells the clocks
                    picture, out_start_s = output_picture(out, clip.path, sound, clip.film)
                write_restored(sound, patches, out, picture, out_start_s, progress=teller.progress)
                written(name, out)
                if "list" in what:
                    write_edits(out, edits, sound, out_start_s, False)
                    written("list", list_path(out))
        if "list" in what and len(saved) == 0:
            alone = partial / paths["list"].name.removesuffix(".edits.json")
            write_edits(alone, edits, sound, sound.start_s, False)
            written("list", list_path(alone))
        if "labels" in paths:
            write_text(partial / paths["labels"].name, labels)
            written("labels", paths["labels"])
    return saved
