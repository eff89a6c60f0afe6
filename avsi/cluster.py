"""Programs on a cluster: what ``--jobs`` would run in processes of this machine is run by the workers of Dask."""

import hashlib
import importlib.util
import logging
import os
import shlex
import shutil
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from functools import cached_property, lru_cache
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from .errors import AvsiError, ClusterError
from .files import read_text

if TYPE_CHECKING:
    from distributed import Client

QUEUES = ("slurm", "pbs", "lsf", "sge", "htcondor", "oar", "moab")
LOCAL = "local"
# What a worker must have as the main process has it.
SOURCES, LIBRARIES = ("avsi", "data_prep", "evaluation"), ("torch", "numpy", "mediapipe")
_IN_USE: ContextVar["Cluster | None"] = ContextVar("cluster", default=None)  # by the program that runs
CONNECT_S, FIRST_WORKER_S = 10, 60
TASKS_PER_WORKER = 64  # handed out at a time: a long one keeps none of the others waiting
HANDED_OUT_AGAIN = 10  # times, after the loss of the worker that had the task


class Here(NamedTuple):
    """What a worker must share with the main process.

    Attributes:
        folder: the working directory, which is the worker's too while it does a task.
        inode: of this folder, by which another one of the same name is told.
        versions: by name, what the results depend on.
    """

    folder: str
    inode: int
    versions: tuple[tuple[str, str], ...]


class Cluster:
    """The workers of one run of a program, found or started when the first task is there; a context manager.

    Args:
        where: the address of a scheduler, such as ``tcp://host:8786``, or a YAML file: ``cluster``, one of
            :data:`QUEUES` or :data:`LOCAL`, ``jobs``, how many workers to start, and what else is for the class of
            dask-jobqueue for that queue, such as ``memory`` and ``walltime``.

    Raises:
        ClusterError: the extra ``cluster`` is not installed, or the file does not say what it should.
    """

    def __init__(self, where: str) -> None:
        if importlib.util.find_spec("distributed") is None:
            raise ClusterError("--cluster needs Dask: pip install 'avsi[cluster]'")
        self.where, self._open = where, ExitStack()
        self._settings = None if "://" in where else _read_settings(where)

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
            client.run(check, here())
            print(f"{self.where}: workers: {len(client.nthreads())}", file=sys.stderr)
        return client

    def __len__(self) -> int:
        """How many workers there are."""
        return len(self.client.nthreads())

    def results(self, tasks: list[tuple]) -> Iterator:
        """The results of ``(function, *arguments)`` tasks, in their order; what a lost worker was doing is done again.

        Raises:
            ClusterError: the scheduler was lost, or too many workers, or a new one cannot do the tasks.
        """
        client, place, waiting = self.client, here(), iter(tasks)
        futures: deque = deque()
        try:
            while True:
                with self._told():
                    room = TASKS_PER_WORKER * max(1, len(client.nthreads())) - len(futures)
                    for function, *arguments in islice(waiting, max(0, room)):
                        futures.append(
                            client.submit(_run, place, function, arguments, pure=False, retries=HANDED_OUT_AGAIN)
                        )
                    if not futures:
                        return
                    result = futures[0].result()
                futures.popleft()
                yield result
        finally:
            if futures and client.status == "running":
                client.cancel(list(futures))

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Dask's own errors as one clear line; those of tasks go through."""
        from asyncio import CancelledError, TimeoutError
        from concurrent import futures

        from distributed import KilledWorker
        from distributed.comm import CommClosedError

        gone = "; what was done so far is kept, and the same command goes on with the rest"
        try:
            yield
        except (CancelledError, futures.CancelledError, CommClosedError) as error:
            raise ClusterError(f"{self.where}: the scheduler was lost{gone}") from error
        except KilledWorker as error:
            raise ClusterError(f"{self.where}: one task lost its worker again and again ({error}){gone}") from error
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


def here() -> Here:
    """What workers must share with this process."""
    folder = Path.cwd()
    return Here(str(folder), folder.stat().st_ino, tuple(versions().items()))


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
    try:
        inode = Path(place.folder).stat().st_ino
    except OSError as error:
        raise ClusterError(
            f"the worker on {host} does not see the folder {place.folder} ({error.strerror}): workers need the "
            "program's working directory, and the data, under the same paths"
        ) from error
    if inode != place.inode:
        raise ClusterError(f"the worker on {host} sees another folder under {place.folder} than this program")


def _run(place: Here, function: Any, arguments: list) -> Any:
    """One task, in a worker."""
    check(place)
    os.chdir(place.folder)
    return function(*arguments)


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
    if settings["cluster"] != LOCAL and importlib.util.find_spec("dask_jobqueue") is None:
        raise ClusterError(f"{path}: needs dask-jobqueue: pip install 'avsi[cluster]'")
    return settings


def _connected(scheduler: Any) -> "Client":
    from distributed import Client

    try:
        return Client(scheduler, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:  # ValueError: an unknown protocol
        raise TimeoutError(str(error)) from error


@contextmanager
def _start(path: str, settings: dict) -> Iterator[Any]:
    """A scheduler in this process, and the workers that a file asks for; they end with the program."""
    settings = dict(settings)
    name, jobs = settings.pop("cluster"), settings.pop("jobs")
    try:
        if name == LOCAL:
            from distributed import LocalCluster

            cluster: Any = LocalCluster(jobs, threads_per_worker=1, dashboard_address=None, **settings)
        else:
            import dask_jobqueue

            # Jobs of several cores have as many workers, each with its own thread.
            settings = {"cores": 1, **settings}
            settings.setdefault("processes", settings["cores"])
            if "PYTHONPATH" in os.environ:
                line = f"export PYTHONPATH={shlex.quote(os.environ['PYTHONPATH'])}"
                settings["job_script_prologue"] = [line, *settings.get("job_script_prologue", [])]
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
