"""Names of speakers and ids of recordings that Kaldi can sort: each id begins with its speaker and ``_``."""

import re
import unicodedata
from collections.abc import Iterable

from avsi.errors import DataError


def safe(name: str) -> str:
    """A name of letters of any alphabet, digits, ``-`` and ``.`` alone, other characters as ``-``; also ``_``, which
    ends the speaker in an id. "" where no letter or digit is in it.
    """
    return re.sub(r"[^\w.-]|_", "-", unicodedata.normalize("NFC", name)).strip(".-")


def name_speakers(found: Iterable[str], prefix: str = "") -> dict[str, str]:
    """By the name of each speaker as it was found, that in ids.

    Numbers of names that differ in nothing else are written with equally many digits, so that ids sort as their
    speakers do: s1 and s10 are s01 and s10.

    Raises:
        DataError: two speakers of one name, or whose ids would not sort as they do.
    """
    names = {raw: safe(raw) for raw in sorted(set(found))}
    shapes: dict[str, list[list[str]]] = {}
    for name in names.values():
        shapes.setdefault(_shape(name), []).append(re.findall(r"\d+", name))
    widths = {shape: [max(map(len, column)) for column in zip(*of, strict=True)] for shape, of in shapes.items()}
    named: dict[str, str] = {}
    for raw, name in names.items():
        digits = iter(widths[_shape(name)])
        speaker = prefix + re.sub(r"\d+", lambda match: match[0].zfill(next(digits)), name)  # noqa: B023
        if other := next((one for one, taken in named.items() if taken == speaker), None):
            raise DataError(f"speakers '{other}' and '{raw}' would both be called {speaker}; rename one, or --speakers")
        named[raw] = speaker
    _check_order(list(named.values()))
    return named


def _shape(name: str) -> str:
    return re.sub(r"\d+", "0", name)


def _check_order(speakers: list[str]) -> None:
    by_id = sorted(speakers, key=lambda speaker: speaker + "_")
    for one, other in zip(by_id, sorted(speakers), strict=True):
        if one != other:
            raise DataError(
                f"speakers '{other}' and '{one}': their ids would not sort as they do, as Kaldi wants it; rename one, "
                "or --speakers"
            )


def recording_id(speaker: str, raw: str, parts: Iterable[str]) -> str:
    """The id of a recording from the folders and the name of its file.

    Args:
        speaker: as in ids.
        raw: the speaker as found: folders of that name, and that name before the file's, are not said again.
        parts: names of folders below the root, and of the file without its suffix.
    """
    *folders, stem = parts
    rest = re.sub(rf"^{re.escape(raw)}[-_](?=.)", "", stem)
    return f"{speaker}_{safe('-'.join([*(folder for folder in folders if folder != raw), rest])) or '0'}"


def check_ids(files: Iterable[tuple[str, str]]) -> None:
    """Raise DataError where two recordings (id, file) have one id."""
    known: dict[str, str] = {}
    for id_, file in files:
        if id_ in known:
            raise DataError(f"{known[id_]} and {file}: both would have the id {id_}; rename one")
        known[id_] = file
