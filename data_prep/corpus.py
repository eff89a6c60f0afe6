"""The name of a corpus, which results show."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from avsi.errors import DataError
from avsi.files import write_text

FILE = "avsi-corpus.json"


@dataclass(frozen=True)
class Corpus:
    """The name of a corpus.

    Attributes:
        name: as tables show it.
        id_prefix: of its speakers and utterances, so that two corpora can be combined in one data directory.
        about: a remark for people.
    """

    name: str
    id_prefix: str = ""
    about: str = ""

    def save(self, folder: Path) -> None:
        write_text(folder / FILE, json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def of(cls, folder: Path, otherwise: str = "GRID") -> Corpus:
        """The corpus that the file in a folder, or in one above it, names; one of the name ``otherwise`` without such a
        file, which GRID does not have.

        Raises:
            DataError: a broken file, or a corpus with a file of its own below the folder.
        """
        folder = folder.resolve()
        path = next((place / FILE for place in (folder, *folder.parents) if (place / FILE).is_file()), None)
        if path is None:
            below = next(folder.rglob(FILE), None)
            if below is not None:
                raise DataError(f"{folder}: holds another corpus, {below.parent}; name that folder, or move it away")
            return cls(otherwise)
        try:
            corpus = cls(**json.loads(path.read_text("utf-8")))
        except (ValueError, TypeError):
            corpus = None
        # Splits take what stands before the first underscore of an id for the speaker.
        if corpus is None or not corpus.name or not re.fullmatch("[A-Za-z0-9-]*", corpus.id_prefix):
            raise DataError(f'{path}: expected {{"name": "...", "id_prefix": "letters, digits and -", "about": "..."}}')
        return corpus
