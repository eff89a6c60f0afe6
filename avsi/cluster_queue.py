"""Workers of a cluster as a YAML file asks for them: jobs of a queue, or processes of this machine."""

import importlib.util
import os
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from .errors import AvsiError, ClusterError
from .files import read_text

QUEUES = ("slurm", "pbs", "lsf", "sge", "htcondor", "oar", "moab")
LOCAL = "local"


def read_settings(path: str) -> dict:
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
        raise ClusterError(f"{path}: {', '.join(further)}: not allowed with cluster: {LOCAL}, which takes jobs alone")
    if settings["cluster"] != LOCAL and importlib.util.find_spec("dask_jobqueue") is None:
        raise ClusterError(f"{path}: needs dask-jobqueue: pip install 'avsi[cluster]'")
    return settings


@contextmanager
def started_workers(path: str, settings: dict) -> Iterator[tuple[Any, list[str]]]:
    """A scheduler in this process, with the workers that a file asks for, which end with the program; and what its
    queue says of each job that it refuses, as soon as it does.
    """
    settings, refusals = dict(settings), list[str]()
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
            cluster = queue(job_cls=_telling(queue.job_cls, refusals), **settings)
            cluster.scale(jobs)
    except AvsiError:
        raise
    except Exception as error:  # whatever a queue's commands or Dask's own classes raise
        raise ClusterError(f"{path}: workers cannot be started: {error}") from error
    try:
        yield cluster, refusals
    finally:
        with suppress(AssertionError):  # by which Dask says that a job which was refused never began
            cluster.close()


def _telling(job: type, refusals: list[str]) -> type:
    """A job of dask-jobqueue whose refusal is told: Dask itself logs it, and waits."""

    class TellingJob(job):
        async def start(self) -> None:
            try:
                await super().start()
            except Exception as error:
                refusals.append(str(error).partition("stderr:")[2].strip() or str(error))
                raise

    return TellingJob
