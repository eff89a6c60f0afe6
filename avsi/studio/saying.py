"""The task that has other words said in a clip, as `avsi edit` does."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..restoring.edit_log import list_path
from .loaded import aligner, inpainter
from .opened import Opened
from .saving import names_for, save
from .tasks import captions_of

if TYPE_CHECKING:
    from .worker import Teller


def say(
    teller: Teller,
    clip: Opened,
    transcript: str,
    wanted: str,
    insertions: Sequence[tuple[float, str]],
    keep_length: bool,
    model: str,
    reference: str | None,
    folder: Path,
    stem: str,
    result: Path | None,
) -> dict[str, Any]:
    """Write a new recording in which other words are said, and the list of them beside it.

    Args:
        transcript: what is said now; "" where words are inserted and that is not known.
        wanted: what is to be said; "" where words are inserted.
        insertions: (time in seconds, words).
        keep_length: the new words are said in the time of the old ones; the picture is then kept, too.
        reference: a file with the speaker's voice, as :func:`avsi.edit_file` takes it.
        result: of the restored version in which they are said; None takes the original.

    Returns:
        The new file, all that was written, and what is said where.

    Raises:
        AvsiError: as of :func:`avsi.edit_file` and :func:`avsi.insert_file`.
    """
    from ..restoring.editing import edit_file
    from ..restoring.inserting import Insertion, insert_file

    kind = "film" if keep_length and clip.film else "sound"
    out = names_for(folder, f"{stem}.edited", [kind])[kind]
    teller.step("loading the model")
    loads = aligner, partial(inpainter, model)
    present = captions_of(transcript) if transcript.strip() else None
    options: dict[str, Any] = {"progress": teller.progress, "reference": reference}
    options["face"] = clip.face if clip.film and present else None
    with _recording(teller, clip, result, stem) as path:
        if insertions:
            words = [Insertion(*each) for each in insertions]
            edits = insert_file(path, out, words, *loads, present, **options)
        else:
            assert present is not None
            edits = edit_file(path, out, present, captions_of(wanted), *loads, keep_length, **options)
    said = [{"before": each.before, "words": each.words, "start_s": each.now.start_s} for each in edits]
    written = [path for path in (out, list_path(out)) if path.exists()]
    return {"file": out, "saved": [str(path) for path in written], "edits": said}


@contextmanager
def _recording(teller: Teller, clip: Opened, result: Path | None, stem: str) -> Iterator[Path]:
    """The file of a clip; or of a restored version of it, with its list of edits, for as long as it is needed."""
    if result is None:
        yield clip.path
        return
    with tempfile.TemporaryDirectory(prefix="avsi-") as folder:
        what = ["film" if clip.film else "sound", "list"]  # films hold the sound without loss, and keep its clock
        saved = save(teller, clip, result, Path(folder), stem, what, "")
        yield Path(saved[0]["path"])
