"""The task that has other words said in a clip, as `avsi edit` does."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..restoring.edit_log import list_path
from .loaded import aligner, inpainter
from .opened import Opened
from .saving import names_for
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
) -> dict[str, Any]:
    """Write a new recording in which other words are said, and the list of them beside it.

    Args:
        transcript: what is said now; "" where words are inserted and that is not known.
        wanted: what is to be said; "" where words are inserted.
        insertions: (time in seconds, words).
        keep_length: the new words are said in the time of the old ones; the picture is then kept, too.
        reference: a file with the speaker's voice, as :func:`avsi.edit_file` takes it.

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
    if insertions:
        words = [Insertion(*each) for each in insertions]
        edits = insert_file(clip.path, out, words, *loads, present, **options)
    else:
        assert present is not None
        edits = edit_file(clip.path, out, present, captions_of(wanted), *loads, keep_length, **options)
    said = [{"before": each.before, "words": each.words, "start_s": each.now.start_s} for each in edits]
    written = [path for path in (out, list_path(out)) if path.exists()]
    return {"file": out, "saved": [str(path) for path in written], "edits": said}
