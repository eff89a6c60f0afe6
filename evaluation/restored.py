"""What one system made of one gap file: a folder of sound and of the log spectra of the lost frames."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from avsi.data.datadir import UNNAMED, read_table
from avsi.data.gaps import Gap, read_gap_file
from avsi.errors import DataError
from avsi.files import read_lines

ABOUT, WAVS, SPECTRA, GAPS, FAILED, SCORES = "about.json", "wav.scp", "spectra.scp", "gaps", "failed", "scores.jsonl"


@dataclass(frozen=True)
class RestoredSet:
    """A folder that ``evaluation.restore`` wrote.

    Attributes:
        about: the system, the corpus, the data directory and the gap file.
        wavs: path by utterance id.
        gaps: those that were restored, by utterance id.
        failed: why an utterance is not there, by its id.
        spectra: place in an archive by utterance id: natural log magnitudes, shape (n_lost_frames, n_bins).
    """

    folder: Path
    about: dict
    wavs: dict[str, str]
    spectra: dict[str, str]
    gaps: dict[str, list[Gap]]
    failed: dict[str, str]

    @classmethod
    def read(cls, folder: str | Path) -> RestoredSet:
        folder = Path(folder)
        if not (folder / ABOUT).is_file():
            raise DataError(f"{folder}: not written by evaluation.restore (it has no {ABOUT}), or not to its end")
        # Folders restored before data directories named their corpus do not name it either.
        about = {"corpus": UNNAMED, **json.loads((folder / ABOUT).read_text("utf-8"))}
        tables = (read_table(folder / name) for name in (WAVS, SPECTRA))
        return cls(folder, about, *tables, read_gap_file(folder / GAPS), read_table(folder / FAILED))

    def scores(self) -> list[dict]:
        """The rows that ``evaluation.score`` wrote. Raises DataError where it has not."""
        path = self.folder / SCORES
        if not path.is_file():
            raise DataError(f"{path}: no such file; run evaluation.score on the folder")
        return [json.loads(line) for line in read_lines(path)]
