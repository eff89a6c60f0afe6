"""What is said in recordings: texts beside them, LibriSpeech's lists, or one table."""

import re
from pathlib import Path

from avsi.errors import DataError
from avsi.files import read_lines, read_text

from .table import Table, unused_note

LIST_SUFFIX = ".trans.txt"
MAX_CHARACTERS_PER_S = 30  # quick speech has some 20


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text in lower case, without punctuation except apostrophes within words."""
    return tuple(re.findall(r"[^\W_]+(?:'[^\W_]+)*", text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").lower()))


def fitting(words: tuple[str, ...], duration_s: float) -> tuple[tuple[str, ...], str]:
    """The words of a recording, and "" ; or, where they cannot fit it, none and the reason."""
    characters = len(" ".join(words))
    if characters <= MAX_CHARACTERS_PER_S * duration_s:
        return words, ""
    return (), f"transcript not used: {characters} characters in {duration_s:.2f} s of sound"


class Transcripts:
    """Where the words of each recording are found: a table goes before a text of its name beside it, and that before
    a list of its folder.
    """

    def __init__(self, root: Path, texts: list[Path], table: Table | None) -> None:
        """Read what lists and the table say; a broken one raises DataError.

        Args:
            texts: the text files below ``root``.
        """
        self._table = table
        self._texts = {path.relative_to(root).with_suffix(""): path for path in texts if not _is_list(path)}
        self._lists = {path: dict(_list_lines(path)) for path in texts if _is_list(path)}
        self._root = root
        self._used: set[tuple[Path, str]] = set()

    def of(self, files: tuple[Path, ...]) -> tuple[tuple[str, ...], str]:
        """(words, "") of a recording by its files relative to the root; ((), reason) where a text cannot be used."""
        if self._table and (line := self._table[files]):
            return words_of(line[0]), ""
        bare = files[0].with_suffix("")
        if bare in self._texts:
            try:
                return words_of(_said(read_text(self._texts[bare]))), ""
            except DataError as error:
                return (), f"transcript not used: {error}"
        for path, said in self._lists.items():
            if path.parent == self._root / bare.parent and bare.name in said:
                self._used.add((path, bare.name))
                return words_of(said[bare.name]), ""
        return (), ""

    def notes(self) -> list[tuple[str, str]]:
        """A note (file, remark) on each list or table with lines that name no recording."""
        notes = self._table.notes() if self._table else []
        for path, said in self._lists.items():
            notes += unused_note(path, [name for name in said if (path, name) not in self._used])
        return notes


def _is_list(path: Path) -> bool:
    return path.name.lower().endswith(LIST_SUFFIX)


def _said(text: str) -> str:
    """The text of a file; of one as those of LRS2 and LRS3, what stands behind ``Text:`` in its first line."""
    first = text.lstrip().partition("\n")[0]
    return first.removeprefix("Text:") if first.startswith("Text:") else text


def _list_lines(path: Path) -> list[tuple[str, str]]:
    """The lines of a list as (name, text)."""
    lines = []
    for number, line in enumerate(read_lines(path), start=1):
        name, _, text = line.strip().partition(" ")
        if name and not text:
            raise DataError(f"{path}:{number}: expected '<name> <words>', found '{line.strip()}'")
        if name:
            lines.append((name, text))
    return lines
