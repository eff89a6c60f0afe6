"""Features on disk: files of some utterances each, named by what they were made of, and read through a memory map."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import DataError
from ..files import written_beside

if TYPE_CHECKING:
    from torch import Tensor

FORMAT = 2  # raised when features are computed otherwise than before: files of an earlier version are not found then
AT_ONCE = 64  # utterances in a file: some 20 MB


class FeatureFiles:
    """The files that hold the tensors of a data set's utterances, by name, as :meth:`.SpeechData.make` makes them.

    A file's name is a digest of the settings and of the sources of its utterances. So files of other settings or other
    data are never mistaken, runs with the same ones share them, and a stopped run makes only those that are missing.

    Attributes:
        folder: which need not exist.
    """

    def __init__(self, folder: Path, made_by: object, sources: Sequence[object]) -> None:
        """
        Args:
            made_by: the settings, as JSON takes them.
            sources: what each utterance is made of, such as file names, sizes and times; as JSON takes it.
        """
        self.folder = folder
        self._n_utterances = len(sources)
        self._names = [
            hashlib.sha256(json.dumps([FORMAT, made_by, sources[first : first + AT_ONCE]]).encode()).hexdigest()[:32]
            for first in range(0, len(sources), AT_ONCE)
        ]

    def __len__(self) -> int:
        return len(self._names)

    @cached_property
    def name(self) -> str:
        """Of all files together."""
        return hashlib.sha256("".join(self._names).encode()).hexdigest()[:32]

    @cached_property
    def paths(self) -> set[Path]:
        return {self.path(number) for number in range(len(self))}

    def path(self, number: int) -> Path:
        return self.folder / f"{self._names[number]}.safetensors"

    def indices(self, number: int) -> range:
        """The utterances in a file."""
        return range(number * AT_ONCE, min((number + 1) * AT_ONCE, self._n_utterances))

    def mark_used(self) -> None:
        """Set the time at which the files that are there were last read, of which some systems take no note."""
        for path in self.paths:
            with suppress(OSError):  # not there, or another user's
                os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))

    def missing(self) -> list[int]:
        """The numbers of the files that are not there, or not whole."""
        from safetensors import SafetensorError, safe_open

        numbers = []
        for number in range(len(self)):
            try:
                with safe_open(self.path(number), "pt"):  # it compares the length with what the header says
                    pass
            except (SafetensorError, OSError):
                numbers.append(number)
        return numbers

    def write(self, number: int, tensors: Sequence[dict[str, Tensor]]) -> None:
        """Write the tensors of the utterances in a file. Raises DataError where the disk is full."""
        from safetensors import SafetensorError
        from safetensors.torch import save_file

        named = {f"{at}.{name}": one.contiguous() for at, of in enumerate(tensors) for name, one in of.items()}
        with written_beside(self.path(number)) as partial:
            try:
                save_file(named, partial)
            except (SafetensorError, OSError) as error:
                raise DataError(
                    f"{self.path(number)}: cannot be written, is the disk full? ({error}); AVSI_CACHE names another "
                    "folder, and with training.cache=none no features are kept"
                ) from error
            partial.chmod(0o644)  # safetensors lets only the owner read it

    def read(self, index: int) -> dict[str, Tensor]:
        """The tensors of an utterance, which are not to be written into. Raises DataError where its file is gone or
        damaged.
        """
        from safetensors import SafetensorError, safe_open

        number, at = divmod(index, AT_ONCE)  # by its place in the file: files of the same recordings are one
        path, start = self.path(number), f"{at}."
        try:
            # Open for one utterance alone: else all of a large set would be mapped into every process in the end.
            with safe_open(path, "pt") as file:
                names = [name for name in file.keys() if name.startswith(start)]  # noqa: SIM118  # no dictionary
                return {name.removeprefix(start): file.get_tensor(name) for name in names}
        except (SafetensorError, OSError) as error:
            raise DataError(f"{path}: gone or damaged; the same command makes it anew ({error})") from error


def stamp(path: str) -> list[object]:
    """By what a file is known again without reading it: its path, size and time of change."""
    place = os.path.abspath(path)  # noqa: PTH100  # pathlib takes five times as long, and a set has 100,000 files
    try:
        found = os.stat(place)  # noqa: PTH116
    except OSError:
        return [place]  # whoever reads it tells that
    return [place, found.st_size, found.st_mtime_ns]
