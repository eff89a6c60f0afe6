"""What a worker of a cluster does: it checks that it has what the program has, and does its tasks."""

import ctypes
import hashlib
import importlib.util
import os
import sys
import time
import traceback
from contextlib import suppress
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from .cores import take_core
from .errors import AvsiError, ClusterError

# What a worker must have as the main process has it.
SOURCES = ("avsi", "data_prep", "evaluation")
LIBRARIES = ("torch", "numpy", "scipy", "mediapipe", "opencv-python", "av", "soundfile", "pystoi", "pesq")
# M_MMAP_THRESHOLD and M_TRIM_THRESHOLD of mallopt(3), in bytes: the values that glibc itself goes up to.
MALLOC_OPTIONS = {-3: 32 << 20, -1: 64 << 20}


class Here(NamedTuple):
    """What a worker must share with the main process.

    Attributes:
        folder: the working directory, which is the worker's too while it does a task.
        token: a file in it while the program runs, by which another folder of the same name is told; empty where the
            program may not write there.
        versions: by name, what the results depend on.
    """

    folder: str
    token: str
    versions: tuple[tuple[str, str], ...]


@lru_cache(maxsize=1)
def versions() -> dict[str, str]:
    """By name, the versions of Python and of the libraries, and a digest of the sources of avsi and of its programs."""
    found = {"Python": f"{sys.version_info.major}.{sys.version_info.minor}"}
    found |= {name: version(name) for name in LIBRARIES}
    for name in SOURCES:
        spec = importlib.util.find_spec(name)
        if spec is None or not spec.submodule_search_locations:
            continue
        digest, [folder, *_] = hashlib.sha256(), spec.submodule_search_locations
        for path in sorted(Path(folder).rglob("*.py")):
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
        found[name] = f"of sources {digest.hexdigest()[:12]}"
    return found


@lru_cache(maxsize=8)
def check(place: Here) -> None:
    """Whether this worker can do the tasks of a main process.

    Raises:
        ClusterError: it has other versions, or does not see the folder.
    """
    host, own = os.uname().nodename, versions()
    for name, wanted in place.versions:
        if own.get(name) != wanted:
            raise ClusterError(
                f"the worker on {host} has {name} {own.get(name, 'not at all')}, and this program {wanted}: start "
                "workers in the environment, and with the PYTHONPATH, of the program"
            )
    if not Path(place.folder).is_dir():
        raise ClusterError(
            f"the worker on {host} does not see the folder {place.folder}: workers need the program's working "
            "directory, and the data, under the same paths"
        )
    if not Path(place.folder, place.token).exists():
        raise ClusterError(f"the worker on {host} sees another folder under {place.folder} than this program")


class Done(NamedTuple):
    """What came of a batch of tasks.

    Attributes:
        results: of the tasks before the first that raised an error, or of all.
        error: what that one raised, which is no error of Dask's.
        seconds: how long they took.
    """

    results: list
    error: Exception | None
    seconds: float


def do_tasks(place: Here, tasks: list[tuple]) -> Done:
    """Do a batch of ``(function, *arguments)`` tasks, in a worker."""
    from distributed import get_worker

    results: list = []
    began_s = time.monotonic()
    try:
        worker = get_worker()
        check_threads({worker.address: worker.state.nthreads})  # it may have joined while the program ran
        prepare(place)
        os.chdir(place.folder)
        for function, *arguments in tasks:
            results.append(function(*arguments))
    except Exception as error:  # whatever a task raises, as where it runs in a process of this machine
        error.add_note(traceback.format_exc())  # which --debug shows
        _name_host(error)
        return Done(results, error, time.monotonic() - began_s)
    return Done(results, None, time.monotonic() - began_s)


def _name_host(error: Exception) -> None:
    """Let an error that a user can cause say where, since a file that is missing on one host may be there on others."""
    where = f"(on the host {os.uname().nodename})"
    if isinstance(error, OSError) and error.strerror:
        error.strerror = f"{error.strerror} {where}"
        error.args = (error.errno, error.strerror)  # one or the other is sent, by what Dask pickles errors with
    elif isinstance(error, AvsiError) and not isinstance(error, ClusterError):  # which names it
        error.args = (f"{error} {where}",)


def prepare(place: Here) -> None:
    """What a worker does before its first task, and before OpenCV and others count the cores that they may use."""
    check(place)
    _settle()


@lru_cache(maxsize=1)
def _settle() -> None:
    """The threads that a task starts are on the core of its worker, too."""
    take_core()
    _keep_freed_memory()


def _keep_freed_memory() -> None:
    """As a process that Dask did not start: its nanny has freed memory given back at once, and taking it again for each
    frame of a video costs a third more time.
    """
    with suppress(OSError, AttributeError):  # another C library than glibc
        set_option = ctypes.CDLL("libc.so.6").mallopt
        for option, value in MALLOC_OPTIONS.items():
            set_option(option, value)


def check_threads(threads: dict[str, int]) -> None:
    for worker, number in threads.items():
        if number != 1:
            raise ClusterError(
                f"the worker {worker} has {number} threads, which would get into each other's way: start it with "
                "--nthreads 1, and with --nworkers for more processes"
            )
