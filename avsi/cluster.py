"""Programs on a cluster: what ``--jobs`` would run in processes of this machine is run by the workers of Dask."""

import ctypes
import hashlib
import importlib.util
import logging
import os
import re
import shlex
import shutil
import sys
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from functools import cached_property, lru_cache
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple
from uuid import uuid4

import typer

from .cores import take_core
from .errors import AvsiError, ClusterError
from .files import read_text

if TYPE_CHECKING:
    from distributed import Client, Future

QUEUES = ("slurm", "pbs", "lsf", "sge", "htcondor", "oar", "moab")
LOCAL = "local"
ADDRESS = re.compile(r"(tcp|tls|wss?|ucx)://.+:\d+/?")  # of a scheduler
# What a worker must have as the main process has it.
SOURCES = ("avsi", "data_prep", "evaluation")
LIBRARIES = ("torch", "numpy", "scipy", "mediapipe", "opencv-python", "av", "soundfile", "pystoi", "pesq")
_IN_USE: ContextVar["Cluster | None"] = ContextVar("cluster", default=None)  # by the program that runs
CONNECT_S, FIRST_WORKER_S = 10, 60
TASKS_PER_WORKER = 64  # handed out at a time: a long one keeps none of the others waiting
# M_MMAP_THRESHOLD and M_TRIM_THRESHOLD of mallopt(3), in bytes: the values that glibc itself goes up to.
MALLOC_OPTIONS = {-3: 32 << 20, -1: 64 << 20}
HANDED_OUT = 5  # times, each until Dask gives a task up, which has then lost its worker four times


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


class Cluster:
    """The workers of one run of a program, found or started when the first task is there; a context manager.

    Args:
        where: the address of a scheduler, such as ``tcp://host:8786``, or a YAML file: ``cluster``, one of
            :data:`QUEUES` or :data:`LOCAL`, ``jobs``, how many workers to start, and what else is for the class of
            dask-jobqueue for that queue, such as ``memory`` and ``walltime``.

    Raises:
        ClusterError: the extra ``cluster`` is not installed, the file does not say what it should, or it is no
            address.
    """

    def __init__(self, where: str) -> None:
        if importlib.util.find_spec("distributed") is None:
            raise ClusterError("--cluster needs Dask: pip install 'avsi[cluster]'")
        is_address = "://" in where
        if is_address and not ADDRESS.fullmatch(where):
            raise ClusterError(f"--cluster {where}: expected an address with a port, such as tcp://host:8786")
        self.where, self._open = where, ExitStack()
        self._settings = None if is_address else _read_settings(where)

    def __enter__(self) -> "Cluster":
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @cached_property
    def client(self) -> "Client":
        """The connection to the scheduler, once all its present workers have been looked at.

        Raises:
            ClusterError: there is none, it has no workers, or one of them cannot do the program's tasks.
        """
        import distributed  # noqa: F401  (which sets its loggers)

        for name in ("distributed", "distributed.client"):  # what matters is an error of ours
            logging.getLogger(name).setLevel(logging.CRITICAL)
        with self._told():
            started = None if self._settings is None else self._open.enter_context(_start(self.where, self._settings))
            client = self._open.enter_context(_connected(started or self.where))
            print(f"{self.where}: waiting for workers", file=sys.stderr)
            # A queue may let a job wait for hours.
            client.wait_for_workers(1, timeout=FIRST_WORKER_S if started is None else None)
            check_threads(client.nthreads())
            client.run(_prepare, self._here)
            print(f"{self.where}: workers: {len(client.nthreads())}", file=sys.stderr)
        return client

    @property
    def n_workers(self) -> int:
        """How many there are at present, of 1 or more: where all are lost, a new one is waited for."""
        with self._told():
            self.client.wait_for_workers(1, timeout=FIRST_WORKER_S if self._settings is None else None)
            return len(self.client.nthreads())

    @cached_property
    def _here(self) -> Here:
        """What workers must share with this process, as long as the connection lasts."""
        folder, token = Path.cwd(), ""
        with suppress(OSError):
            file = NamedTemporaryFile(prefix=".avsi-cluster-", dir=folder)  # noqa: SIM115  (it is closed with the rest)
            token = Path(self._open.enter_context(file).name).name
        return Here(str(folder), token, tuple(versions().items()))

    def results(self, tasks: list[tuple]) -> Iterator:
        """The results of ``(function, *arguments)`` tasks, in their order; what a lost worker was doing is done again.

        Raises:
            ClusterError: the scheduler was lost, or too many workers, or a new one cannot do the tasks.
        """
        client, waiting = self.client, iter(tasks)
        handed_out: deque[tuple[tuple, Future]] = deque()
        try:
            while True:
                with self._told():
                    room = TASKS_PER_WORKER * max(1, len(client.nthreads())) - len(handed_out)
                    handed_out.extend((task, self._hand_out(task)) for task in islice(waiting, max(0, room)))
                    if not handed_out:
                        return
                    result, error = self._result(*handed_out[0])
                handed_out.popleft()
                if error is not None:
                    raise error
                yield result
        finally:
            if handed_out and client.status == "running":
                client.cancel([future for _, future in handed_out])

    def _hand_out(self, task: tuple) -> "Future":
        return self.client.submit(_run, self._here, *task, key=_key(task))

    def _result(self, task: tuple, future: "Future") -> tuple[Any, Exception | None]:
        """What :func:`_run` returned."""
        from distributed import KilledWorker

        for _ in range(HANDED_OUT - 1):
            try:
                return future.result()
            except KilledWorker:
                future = self._hand_out(task)
        return future.result()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Dask's own errors as one clear line."""
        from asyncio import CancelledError
        from concurrent import futures

        from distributed import KilledWorker
        from distributed.comm import CommClosedError

        gone = "; what was done so far is kept, and the same command goes on with the rest"
        try:
            yield
        except (CancelledError, futures.CancelledError, CommClosedError) as error:
            raise ClusterError(f"{self.where}: the scheduler was lost{gone}") from error
        except KilledWorker as error:
            raise ClusterError(
                f"{self.where}: each worker that had the task '{str(error.task).rpartition('-')[0]}' was lost; have "
                f"they enough memory, and what do their logs say?{gone}"
            ) from error
        except TimeoutError as error:
            raise ClusterError(
                f"{self.where}: no scheduler answers, or no worker comes; `dask scheduler` starts one, and "
                "`dask worker ADDRESS --nthreads 1` a worker"
            ) from error
        except ModuleNotFoundError as error:
            raise ClusterError(
                f"{self.where}: a worker does not find what it needs ({error}): start it in the environment, and with "
                "the PYTHONPATH, in which this program runs"
            ) from error


def _join(context: typer.Context, where: str | None) -> str | None:
    """Run the program's tasks there."""
    if where is not None:
        context.with_resource(_used(where))
    return where


@contextmanager
def _used(where: str) -> Iterator[None]:
    with Cluster(where) as cluster:
        before = _IN_USE.set(cluster)
        try:
            yield
        finally:
            _IN_USE.reset(before)


OnCluster = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        metavar="ADDRESS|FILE",
        callback=_join,
        help="Run the tasks on Dask's workers instead of --jobs processes: the address of a scheduler, or a YAML file "
        "that says by which queue to start workers (docs/scale.md).",
    ),
]


def cluster_in_use() -> Cluster | None:
    """The cluster that the running program was given."""
    return _IN_USE.get()


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


def _run(place: Here, function: Callable, *arguments: Any) -> tuple[Any, Exception | None]:
    """One task, in a worker: its result, or the error that it raised, which is none of Dask's."""
    from distributed import get_worker

    try:
        worker = get_worker()
        check_threads({worker.address: worker.state.nthreads})  # it may have joined while the program ran
        _prepare(place)
        os.chdir(place.folder)
        return function(*arguments), None
    except Exception as error:  # whatever a task raises, as where it runs in a process of this machine
        error.add_note(traceback.format_exc())  # which --debug shows
        return None, error


def _prepare(place: Here) -> None:
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


def _key(task: tuple) -> str:
    """A name for Dask by which a user knows a task, and which no other has."""
    function, *arguments = task
    ids = [str(each.id) for each in arguments if hasattr(each, "id")]
    return f"{ids[0] if ids else function.__name__}-{uuid4().hex}"


def check_threads(threads: dict[str, int]) -> None:
    for worker, number in threads.items():
        if number != 1:
            raise ClusterError(
                f"the worker {worker} has {number} threads, which would get into each other's way: start it with "
                "--nthreads 1, and with --nworkers for more processes"
            )


def _read_settings(path: str) -> dict:
    """What a YAML file says of the workers to start."""
    import yaml

    if not Path(path).is_file():
        raise ClusterError(f"--cluster {path}: no such file, and no address, which begins with a protocol: tcp://")
    try:
        settings = yaml.safe_load(read_text(path))
    except yaml.YAMLError as error:
        raise ClusterError(f"{path}: is not YAML: {error}") from error
    known = (LOCAL, *QUEUES)
    if not isinstance(settings, dict) or settings.get("cluster") not in known:
        raise ClusterError(f"{path}: expected 'cluster: NAME', with one of the names {', '.join(known)}")
    jobs = settings.get("jobs")
    if not isinstance(jobs, int) or isinstance(jobs, bool) or jobs < 1:
        raise ClusterError(f"{path}: expected 'jobs: N', with the number of workers, of 1 or more")
    if settings["cluster"] == LOCAL and (further := sorted(map(str, {*settings} - {"cluster", "jobs"}))):
        raise ClusterError(f"{path}: {', '.join(further)}: expected 'cluster' and 'jobs' alone with {LOCAL}")
    if settings["cluster"] != LOCAL and importlib.util.find_spec("dask_jobqueue") is None:
        raise ClusterError(f"{path}: needs dask-jobqueue: pip install 'avsi[cluster]'")
    return settings


def _connected(scheduler: Any) -> "Client":
    from distributed import Client

    try:
        return Client(scheduler, timeout=CONNECT_S, set_as_default=False)
    except OSError as error:
        raise TimeoutError(str(error)) from error


@contextmanager
def _start(path: str, settings: dict) -> Iterator[Any]:
    """A scheduler in this process, and the workers that a file asks for; they end with the program."""
    settings = dict(settings)
    name, jobs = settings.pop("cluster"), settings.pop("jobs")
    try:
        if name == LOCAL:
            from distributed import LocalCluster

            cluster: Any = LocalCluster(jobs, threads_per_worker=1, dashboard_address=None)
        else:
            import dask_jobqueue

            # Jobs of several cores have as many workers, each with its own thread.
            settings = {"cores": 1, **settings}
            settings.setdefault("processes", settings["cores"])
            if "PYTHONPATH" in os.environ:
                line = f"export PYTHONPATH={shlex.quote(os.environ['PYTHONPATH'])}"
                lines = settings.get("job_script_prologue", [])
                settings["job_script_prologue"] = [line, *([lines] if isinstance(lines, str) else lines)]
            [queue] = (of for key, of in vars(dask_jobqueue).items() if key.lower() == f"{name}cluster")
            command = queue.job_cls.submit_command.split()[0]
            if shutil.which(command) is None:  # else Dask would wait for ever
                raise ClusterError(f"{path}: there is no {command} here, which hands jobs to {name}")
            cluster = queue(**settings)
            cluster.scale(jobs)
    except AvsiError:
        raise
    except Exception as error:  # whatever a queue's commands or Dask's own classes raise
        raise ClusterError(f"{path}: workers cannot be started: {error}") from error
    with cluster:
        yield cluster
