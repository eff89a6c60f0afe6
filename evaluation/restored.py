"""What one system made of one gap file: a folder of sound and of the log spectra of the lost frames."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from avsi.data.datadir import read_table
from avsi.errors import DataError

ABOUT, WAVS, SPECTRA = "about.json", "wav.scp", "spectra.scp"


@dataclass(frozen=True)
class RestoredSet:
    """A folder that ``evaluation.restore`` wrote.

    Attributes:
        about: the system, the data directory and the gap file.
        wavs: path by utterance id.
        spectra: place in an archive by utterance id: natural log magnitudes, shape (n_lost_frames, n_bins).
    """

    folder: Path
    about: dict
    wavs: dict[str, str]
    spectra: dict[str, str]

    @classmethod
    def read(cls, folder: str | Path) -> RestoredSet:
        folder = Path(folder)
        if not (folder / ABOUT).is_file():
            raise DataError(f"{folder}: not written by evaluation.restore (it has no {ABOUT}), or not to its end")
        about = json.loads((folder / ABOUT).read_text("utf-8"))
        return cls(folder, about, read_table(folder / WAVS), read_table(folder / SPECTRA))
