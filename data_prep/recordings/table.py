"""Tables that people write: lines ``<file or folder> <value>``."""

from pathlib import Path, PurePath

from avsi.errors import DataError
from avsi.files import read_lines

SHOWN = 3  # names, in a note


class Table:
    """What a table says of files.

    A file is named by its path relative to the root, with or without its suffix, by its name alone without the suffix,
    or by a folder above it; ``.`` is the root. The nearest counts.
    """

    def __init__(self, path: Path, value: str, name_last: bool = False) -> None:
        """Read a table.

        Args:
            value: what it says of a file, for errors.
            name_last: whether lines are split at their last space, as file names may hold spaces and the value does
                not; otherwise at the first. A line with a tab is split there.

        Raises:
            DataError: no such file, a line without a value, or a file named twice.
        """
        if not path.is_file():
            raise DataError(f"{path}: no such file; expected lines '<file or folder> <{value}>'")
        self.path = path
        self._lines: dict[str, tuple[int, str]] = {}
        self._used: set[str] = set()
        for number, line in enumerate(read_lines(path), start=1):
            if not line.strip() or line.startswith("#"):
                continue
            by = "\t" if "\t" in line.strip() else None
            key, *rest = line.strip().rsplit(by, 1) if name_last and not by else line.strip().split(by, 1)
            if not rest or not key.strip() or not rest[0].strip():
                raise DataError(f"{path}:{number}: expected '<file or folder> <{value}>', found '{line.strip()}'")
            key = PurePath(key.strip()).as_posix()
            if key in self._lines:
                raise DataError(f"{path}:{number}: '{key}' is named in line {self._lines[key][0]} already")
            self._lines[key] = (number, rest[0].strip())

    def __getitem__(self, files: tuple[PurePath, ...]) -> tuple[str, str] | None:
        """(value, place of its line) for the files of a recording, relative to the root; None where no line says so."""
        names = [file.as_posix() for file in files] + [file.with_suffix("").as_posix() for file in files]
        names += [file.stem for file in files] + [folder.as_posix() for folder in files[0].parents]
        name = next((name for name in names if name in self._lines), None)
        if name is None:
            return None
        self._used.add(name)
        number, value = self._lines[name]
        return value, f"{self.path}:{number}"

    def notes(self) -> list[tuple[str, str]]:
        """A note (file, remark) if lines name nothing that was looked for."""
        return unused_note(self.path, [name for name in self._lines if name not in self._used])


def unused_note(path: Path, unused: list[str]) -> list[tuple[str, str]]:
    """A note (file, remark) on lines of a file that name no recording; none if all do."""
    if not unused:
        return []
    others = ", ..." if len(unused) > SHOWN else ""
    return [(path.name, f"{len(unused)} of its lines name no recording: {', '.join(unused[:SHOWN])}{others}")]
