"""Loading data in processes of their own, whose errors are told as if there were none."""

import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from torch.utils.data import DataLoader, Dataset, get_worker_info

from ..errors import AvsiError


class Loader(DataLoader):
    """The results of a function of each of some parts, in their order, made by ``workers`` processes, or by this one.

    Of an error in a worker PyTorch makes another one, whose text is a traceback. Errors that a user can cause come from
    here as they were raised.
    """

    def __init__(self, function: Callable[[Any], object], parts: Sequence[Any], workers: int) -> None:
        super().__init__(_Results(function), sampler=parts, batch_size=None, num_workers=workers, collate_fn=_as_it_is)

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]  # PyTorch names a class that is its own
        for result in super().__iter__():
            if isinstance(result, Exception):
                raise result
            yield result


class _Results(Dataset):
    """The result of a function for each part, or the error that it raised."""

    def __init__(self, function: Callable[[Any], object]) -> None:
        self._function = function

    def __getitem__(self, part: Any) -> object:
        try:
            return self._function(part)
        except (AvsiError, OSError) as error:
            if get_worker_info() is not None:
                error.add_note(traceback.format_exc())  # which --debug shows
            return error


def _as_it_is(result: object) -> object:
    return result
