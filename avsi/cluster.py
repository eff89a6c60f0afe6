"""Programs on a cluster: what ``--jobs`` would run in processes of this machine is run by the workers of Dask."""

import importlib.util
import logging
import re
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from functools import cached_property, partial
from itertools import islice
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import typer

from .cluster_queue import read_settings, started_workers
from .cluster_worker import Done, Here, check_threads, do_tasks, prepare, versions
from .errors import ClusterError

if TYPE_CHECKING:
    from distributed import Client, Future

_IN_USE: ContextVar["Cluster | None"] = ContextVar("cluster", default=None)  # by the program that runs
ADDRESS = re.compile(r"(tcp|tls|wss?|ucx)://.+:\d+/?")  # of a scheduler
CONNECT_S, FIRST_WORKER_S = 10, 60
REFUSED_CHECK_S = 1  # how often it is looked whether a queue refused all jobs
# Tasks are handed out in batches of about this time, since each batch costs the scheduler and this process some
# milliseconds; and in at most so many. Before times are known, one by one.
BATCH_S, MOST_OF_BATCH = 0.5, 64
BATCHES_PER_WORKER = 64  # handed out at a time: a long one keeps none of the others waiting
HANDED_OUT = 5  # times, each until Dask gives a batch up, which has then lost its worker four times


class Cluster:
    """The workers of one run of a program, found or started when the first task is there; a context manager.

    Args:
        where: the address of a scheduler, such as ``tcp://host:8786``, or a YAML file: ``cluster``, ``local`` or one of
            the queues of :mod:`avsi.cluster_queue`, ``jobs``, how many workers to start, and what else is for the class
            of dask-jobqueue for that queue, such as ``memory`` and ``walltime``.

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
        self._settings = None if is_address else read_settings(where)

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

        for name in ("distributed", "distributed.client", "tornado.application", "asyncio"):  # errors of ours matter
            logging.getLogger(name).setLevel(logging.CRITICAL)
        with self._told():
            scheduler, refusals = self.where, None
            if self._settings is not None:
                scheduler, refusals = self._open.enter_context(started_workers(self.where, self._settings))
            client = self._open.enter_context(_connected(scheduler))
            self._wait_for_first(client, refusals)
            check_threads(client.nthreads())
            client.run(prepare, self._here)
            print(f"{self.where}: workers: {len(client.nthreads())}", file=sys.stderr)
        return client

    def _wait_for_first(self, client: "Client", refusals: list[str] | None) -> None:
        """Wait for a worker: one that is there already, or one of a queue's jobs, which may wait for hours.

        Args:
            refusals: what the queue said of each job that it refused, up to now; None where there is no queue.
        """
        if refusals is None or self._settings is None:
            print(f"{self.where}: waiting for workers, for {FIRST_WORKER_S} s at most", file=sys.stderr)
            return client.wait_for_workers(1, timeout=FIRST_WORKER_S)
        print(f"{self.where}: waiting for workers", file=sys.stderr)
        while len(refusals) < self._settings["jobs"]:
            with suppress(TimeoutError):
                return client.wait_for_workers(1, timeout=REFUSED_CHECK_S)
        raise ClusterError(f"{self.where}: the jobs for workers were refused: {refusals[0]}")

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

    def results(self, tasks: Iterable[tuple]) -> Iterator:
        """The results of ``(function, *arguments)`` tasks, in their order; what a lost worker was doing is done again.

        Raises:
            ClusterError: the scheduler was lost, or too many workers, or a new one cannot do the tasks.
        """
        client, waiting, size = self.client, iter(tasks), 1
        handed_out: deque[tuple[list[tuple], Future]] = deque()
        try:
            while True:
                with self._told():
                    room = BATCHES_PER_WORKER * max(1, len(client.nthreads()))
                    while len(handed_out) < room and (batch := list(islice(waiting, size))):
                        handed_out.append((batch, self._hand_out(batch)))
                    if not handed_out:
                        return
                    done = self._done(*handed_out[0])
                handed_out.popleft()
                yield from done.results
                if done.error is not None:
                    raise done.error
                fitting = int(BATCH_S * len(done.results) / max(done.seconds, 1e-6))
                size = max(1, min(fitting, 2 * size, MOST_OF_BATCH))
        finally:
            if handed_out and client.status == "running":
                client.cancel([future for _, future in handed_out])

    def _hand_out(self, batch: list[tuple]) -> "Future":
        # Whole: Dask looks into lists and tuples of arguments, and releases up to 2024.11 take such a task for theirs.
        return self.client.submit(partial(do_tasks, self._here, batch), key=_key(batch[0]))

    def _done(self, batch: list[tuple], future: "Future") -> Done:
        """What a worker has done."""
        from distributed import KilledWorker

        for _ in range(HANDED_OUT - 1):
            try:
                return future.result()
            except KilledWorker:
                if len(batch) > 1:
                    return self._done_one_by_one(batch)
                future = self._hand_out(batch)
        return future.result()

    def _done_one_by_one(self, batch: list[tuple]) -> Done:
        """That one task ends its workers keeps none of the others from being done, and it is named."""
        results: list = []
        for task in batch:
            done = self._done([task], self._hand_out([task]))
            results += done.results
            if done.error is not None:
                return Done(results, done.error, done.seconds)
        return Done(results, None, BATCH_S)

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


def _connected(scheduler: Any) -> "Client":
    from distributed import Client

    try:
        return Client(scheduler, timeout=CONNECT_S, set_as_default=False)
    except OSError as error:
        raise TimeoutError(str(error)) from error


def _key(task: tuple) -> str:
    """A name for Dask by which a user knows a task, and which no other has."""
    function, *arguments = task
    ids = [str(each.id) for each in arguments if hasattr(each, "id")]
    return f"{ids[0] if ids else function.__name__}-{uuid4().hex}"
