"""How a set is written: in parts, each by one process, so that no results travel between processes, and a stopped run
goes on with those that are missing, and with what failed in the others.

A part is an archive of spectra, and a file that says what became of each utterance, which is written last. When all
parts are there, the lists of the set are written and name places in their archives.
"""

import json
import math
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from avsi.data.datadir import Utterance
from avsi.data.matrices import append_matrix
from avsi.errors import DataError
from avsi.files import write_lines, write_text, written_beside

from .json_files import check_types, read_json
from .layout import FAILED, PARTS, SPECTRA, SYSTEM, WAVS, wav_path

MOST = 200  # utterances in a part
PARTS_OF_SMALL_SETS = 64  # so that many processes share one


def parts_of(utterances: list[Utterance]) -> list[list[Utterance]]:
    """The same whatever the number of processes."""
    size = min(MOST, math.ceil(len(utterances) / PARTS_OF_SMALL_SETS))
    return [utterances[first : first + size] for first in range(0, len(utterances), size)]


class Part:
    """What became of the utterances of a part.

    Attributes:
        ark: the archive of its spectra.
        places: by utterance id, the offset of its spectrum in the archive.
        failed: by utterance id, why it could not be restored.
    """

    def __init__(self, folder: Path, number: int, fingerprint: dict[str, str]) -> None:
        """Of the set in ``folder``, by the system of that fingerprint."""
        self.ark = (folder / PARTS / f"{number:06d}.ark").resolve()
        self._fingerprint = fingerprint
        self.places: dict[str, int] = {}
        self.failed: dict[str, str] = {}

    @contextmanager
    def written(self) -> Iterator["Part"]:
        """Within this context utterances are added to those that it holds; the part is there when it ends without an
        error.
        """
        self.ark.parent.mkdir(parents=True, exist_ok=True)
        with written_beside(self.ark) as partial:
            if self.places:
                shutil.copyfile(self.ark, partial)
            with partial.open("ab") as self._file:
                yield self
        content = {"fingerprint": self._fingerprint, "places": self.places, "failed": self.failed}
        write_text(self.ark.with_suffix(".json"), json.dumps(content))

    def add(self, id_: str, spectrum: np.ndarray) -> None:
        """``spectrum``: natural log magnitudes of the lost frames, shape (n_lost_frames, n_bins)."""
        self.places[id_] = append_matrix(self._file, id_, spectrum)

    def read(self, utterances: list[Utterance]) -> bool:
        """Read what was written; False, and nothing is read, unless it is there: whole, of these utterances and by the
        same state of the system.
        """
        said = self.ark.with_suffix(".json")
        try:
            found = read_json(said)
            check_types(said, found, {"fingerprint": dict, "places": dict, "failed": dict})
            size = self.ark.stat().st_size
        except (DataError, FileNotFoundError):  # what is damaged is made anew
            return False
        places, failed = found["places"], found["failed"]
        if found["fingerprint"] != self._fingerprint or {*places, *failed} != {each.id for each in utterances}:
            return False
        if not all(isinstance(offset, int) and offset < size for offset in places.values()):
            return False
        self.places, self.failed = places, failed
        return True


def write_lists(folder: Path, utterances: list[Utterance], fingerprint: dict[str, str]) -> None:
    """Write the lists of a set whose parts are all there.

    Args:
        fingerprint: the system's, see :mod:`evaluation.systems.fingerprints`.

    Raises:
        DataError: a part is not there.
    """
    places: dict[str, str] = {}
    failed: dict[str, str] = {}
    for number, of in enumerate(parts_of(utterances)):
        part = Part(folder, number, fingerprint)
        if not part.read(of):
            raise DataError(f"{part.ark}: is gone, or another one; run this again")
        places |= {id_: f"{part.ark}:{offset}" for id_, offset in part.places.items()}
        failed |= part.failed
    write_lines(folder / SPECTRA, (f"{id_} {place}\n" for id_, place in sorted(places.items())))
    write_lines(folder / WAVS, (f"{id_} {wav_path(folder, id_).resolve()}\n" for id_ in sorted(places)))
    write_lines(folder / FAILED, (f"{id_} {reason}\n" for id_, reason in sorted(failed.items())))
    write_text(folder / SYSTEM, json.dumps(fingerprint) + "\n")
    for said in (folder / PARTS).glob("*.json"):
        said.unlink()
