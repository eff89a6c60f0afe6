"""Several damaged files in, a restored file of each out, all into one folder."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..data.gaps import Gap
from ..errors import AvsiError, ConfigError, MediaError
from ..folders import check_folder, made_folder
from ..media.containers import check_file
from ..media.sound_reading import Sound, open_sound
from ..media.video_reading import has_picture
from ..program import error_text
from .recordings import FORMATS, NothingDetectedError, inpaint_file

if TYPE_CHECKING:
    from .channels import RestorationPlan
    from .inpainting import Inpainter


@dataclass(frozen=True)
class FileResult:
    """What became of a file.

    Attributes:
        gaps: those that were restored.
        out: the restored file; None where nothing was written.
        error: why it could not be restored; "" also where it has no gaps.
    """

    path: Path
    gaps: list[Gap]
    out: Path | None = None
    error: str = ""


def plan_outputs(paths: list[Path], folder: Path) -> dict[Path, Path]:
    """The file in ``folder`` that each is restored into: of its own name, and of its kind where that can be written;
    else ``.mp4`` where it has a picture and ``.wav`` where it has none.

    Raises:
        ConfigError: two files of one name, or an output in the place of an input.
        DataError: a folder that cannot be made or written into.
    """
    check_folder(folder)
    outputs: dict[Path, Path] = {}
    inputs = {path.resolve() for path in paths}
    for path in paths:
        out = folder / _restored_name(path)
        if out in outputs.values():
            raise ConfigError(f"{path}: another of the files would be written to {out} too; restore it by itself")
        if out.resolve() in inputs:
            raise ConfigError(f"{out}: is one of the inputs; choose another folder")
        outputs[path] = out
    return outputs


def _restored_name(path: Path) -> str:
    if path.suffix.lower() in FORMATS:
        return path.name
    try:
        pictured = has_picture(path)
    except MediaError:  # told in its turn
        pictured = False
    if pictured and path.suffix.lower() == ".mp4":
        return path.name
    return path.stem + (".mp4" if pictured else ".wav")


def inpaint_files(
    outputs: dict[Path, Path],
    inpainter: Inpainter,
    gaps: list[Gap] | None,
    tell: Callable[[str, AvsiError | OSError], None],
    progress: Callable,
    **options: Any,
) -> Iterator[FileResult]:
    """Restore one file after the other, each by :func:`inpaint_file`; one that fails does not stop the others.

    Args:
        outputs: as :func:`plan_outputs` gives them; their folder is made, and goes again where it stays empty.
        gaps: those of each file. None finds them, and a file without damage has none.
        tell: what is to be done with an error at once: (line that names the file, error).
        progress, options: as of :func:`inpaint_file`.
    """

    def restore(path: Path, what: str) -> FileResult:
        def named(items: Iterator, n: int, _: str) -> Iterator:
            return progress(items, n, what)

        try:
            out = outputs[path]
            return FileResult(path, inpaint_file(path, out, inpainter, gaps, progress=named, **options), out)
        except NothingDetectedError:
            return FileResult(path, [])

    with made_folder(next(iter(outputs.values())).parent):
        yield from _in_turn(list(outputs), restore, tell)


def find_in_files(
    paths: list[Path],
    find: Callable[[Path, Sound, bool], RestorationPlan],
    tell: Callable[[str, AvsiError | OSError], None],
    from_first_sample: bool = False,
    progress: Callable = lambda items, total, what: items,
) -> Iterator[FileResult]:
    """The gaps that :func:`inpaint_files` would find and restore, of one file after the other; nothing is written.

    Args:
        find, tell, from_first_sample, progress: as there.
    """

    def look(path: Path, _: str) -> FileResult:
        return FileResult(path, find_in_file(path, find, from_first_sample, progress))

    return _in_turn(paths, look, tell)


def find_in_file(
    path: Path,
    find: Callable[[Path, Sound, bool], RestorationPlan],
    from_first_sample: bool = False,
    progress: Callable = lambda items, total, what: items,
) -> list[Gap]:
    """The gaps that :func:`inpaint_file` would find and restore; its errors are raised."""
    check_file(path)
    with open_sound(path, progress) as sound:
        return find(path, sound, from_first_sample).gaps


def _in_turn(
    paths: list[Path], work: Callable[[Path, str], FileResult], tell: Callable[[str, AvsiError | OSError], None]
) -> Iterator[FileResult]:
    """What ``work`` makes of each file, which is named for its progress; an error is told, and the next file's turn."""
    for number, path in enumerate(paths, 1):
        try:
            with _notes_name(path):
                result = work(path, f"{path.name} ({number} of {len(paths)})")
        except (AvsiError, OSError) as error:
            text = error_text(error)
            tell(_naming(path, text), error)
            result = FileResult(path, [], error=text.removeprefix(f"{path}: "))
        yield result


def _naming(path: Path, text: str) -> str:
    return text if text.startswith(str(path)) else f"{path}: {text}"


@contextmanager
def _notes_name(path: Path) -> Iterator[None]:
    """Warnings name the file; each text is shown once for it, whatever was said of others."""
    with warnings.catch_warnings():
        show = warnings.showwarning

        def named(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
            show(category(_naming(path, str(message))), category, *place, **more)

        warnings.showwarning = named
        yield
