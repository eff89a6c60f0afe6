"""The set that one system restored under one condition: sounds, spectra and failures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from avsi.data.datadir import read_places, read_table
from avsi.data.gaps import Gap

from .json_files import check_types, read_json
from .layout import FAILED, SPECTRA, SYSTEM, WAVS
from .rows import merged_rows


@dataclass(frozen=True)
class RestoredUtterance:
    """One utterance as a system restored it.

    Attributes:
        gaps: those that were restored.
        wav: path of the whole restored sound; None where it failed.
        spectrum: place in an archive: natural log magnitudes of the lost frames, shape (n_lost_frames, n_bins).
        failed: why there is none; "" where there is.
    """

    gaps: list[Gap]
    wav: str | None = None
    spectrum: str | None = None
    failed: str = ""


@dataclass(frozen=True)
class RestoredSet:
    """All utterances as one system restored them under one condition, by utterance id."""

    folder: Path
    system: str
    condition: str
    gaps: dict[str, list[Gap]]

    # Read where they are asked for: what only needs scores holds no lists of files.
    @cached_property
    def wavs(self) -> dict[str, str]:
        return read_table(self.folder / WAVS)

    @cached_property
    def spectra(self) -> dict[str, str]:
        return read_places(self.folder / SPECTRA)

    @cached_property
    def failed(self) -> dict[str, str]:
        return read_table(self.folder / FAILED)

    def check_lists(self) -> None:
        """Raise DataError for a broken one; none is kept."""
        one = self.without_lists()
        _ = one.wavs, one.spectra, one.failed

    def without_lists(self) -> RestoredSet:
        """The same set, which has read no lists."""
        return replace(self)

    def __str__(self) -> str:
        return f"{self.system}, {self.condition}"

    def of(self, id_: str) -> RestoredUtterance:
        if id_ not in self.wavs:
            return RestoredUtterance(self.gaps[id_], failed=self.failed.get(id_, "not restored"))
        return RestoredUtterance(self.gaps[id_], self.wavs[id_], self.spectra.get(id_, ""))

    def rows(self, *files: str) -> dict[str, dict]:
        """As :func:`merged_rows`."""
        return merged_rows(self.folder, *files)


def read_fingerprint(folder: Path) -> dict[str, str] | None:
    """The fingerprint of the system that restored a set; None where the set is not complete. Raises DataError for a
    broken file.
    """
    path = folder / SYSTEM
    if not path.is_file():
        return None
    fingerprint = read_json(path)
    check_types(path, fingerprint, {"weights": str}, f"remove {folder} and run evaluation.restore again")
    return fingerprint
