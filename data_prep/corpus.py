"""What a corpus is called: results name what they were measured on."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from avsi.errors import DataError
from avsi.files import write_text

FILE = "corpus.json"


@dataclass(frozen=True)
class Corpus:
    """The name of a corpus.

    Attributes:
        name: as tables show it.
        id_prefix: of its speakers and utterances, so that those of two corpora can stand in one data directory.
        about: a remark for people.
    """

    name: str
    id_prefix: str = ""
    about: str = ""

    def save(self, folder: Path) -> None:
        write_text(folder / FILE, json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def of(cls, folder: Path) -> Corpus:
        """The name that a corpus gives itself in ``corpus.json``; GRID itself, which has no such file, otherwise.

        Raises:
            DataError: a file that does not say what it should.
        """
        path = folder / FILE
        if not path.is_file():
            return cls("GRID")
        try:
            return cls(**json.loads(path.read_text("utf-8")))
        except (ValueError, TypeError) as error:
            raise DataError(f"{path}: expected name, id_prefix and about as JSON ({error})") from error
