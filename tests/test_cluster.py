"""Programs whose tasks are run by Dask's workers: a scheduler and two workers, each a process of this machine."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import RATE, run_app, speech

from avsi import cluster
from avsi.cluster import Cluster
from avsi.cluster_worker import Here, check, check_threads, versions
from avsi.errors import ClusterError, DataError
from avsi.media.sound_writing import write_wav
from data_prep.grid.__main__ import app

distributed = pytest.importorskip("distributed")
ROOT = Path(__file__).parents[1]
PATHS = [str(ROOT), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")]
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, PATHS)), "OMP_NUM_THREADS": "1"}


def dask(folder: Path, name: str, *options: str) -> subprocess.Popen:
    command = [sys.executable, "-m", f"distributed.cli.dask_{name}"]
    log = (folder / f"{name}.log").open("w")
    return subprocess.Popen(
        [*command, *options], cwd=folder, env=ENVIRONMENT, stdout=log, stderr=log, start_new_session=True
    )


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory):
    """A scheduler with two workers, which are started anew when they end: (its address, its process)."""
    folder = tmp_path_factory.mktemp("dask")
    started = [dask(folder, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")]
    found = None
    for _ in range(3000):
        if found := re.search(r"(tcp://127\.0\.0\.1:\d+)", (folder / "scheduler.log").read_text()):
            break
        time.sleep(0.02)
    assert found, (folder / "scheduler.log").read_text()
    started.append(dask(folder, "worker", found[1], "--nthreads", "1", "--nworkers", "2", "--no-dashboard"))
    with distributed.Client(found[1], set_as_default=False) as client:
        client.wait_for_workers(2, timeout=100)
    yield found[1], started[0]
    for process in started:  # with the workers of each
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def square(number: int) -> int:
    return number * number


def lost_once(folder: Path, number: int) -> tuple[int, str]:
    """Ends its worker without a word the first time; the folder is a relative one."""
    with (folder / f"{number} begun").open("a") as file:
        file.write("x")
    if number == 30 and (folder / "30 begun").stat().st_size == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return number, (folder / f"{number} begun").read_text()


def fails(path: Path) -> None:
    raise DataError(f"{path}: has no wav.scp")


def times_out() -> None:
    raise TimeoutError(110, "Connection timed out", "far/away.wav")


def kills(process: int) -> None:
    os.kill(process, signal.SIGKILL)
    time.sleep(600)


@pytest.mark.slow
def test_results_come_in_order_and_a_lost_worker_is_made_up_for(scheduler, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Cluster(scheduler[0]) as workers:
        assert workers.n_workers in (1, 2)
        monkeypatch.setattr(cluster, "BATCHES_PER_WORKER", 3)
        assert list(workers.results([(square, number) for number in range(20)])) == [n * n for n in range(20)]
        results = list(workers.results([(lost_once, Path(), number) for number in range(40)]))
        assert [number for number, _ in results] == list(range(40))
        assert results[30] == (30, "xx")
        told = workers.results([*((square, number) for number in range(40)), (fails, Path("here")), (square, 41)])
        assert [next(told) for _ in range(40)] == [n * n for n in range(40)]
        host = re.escape(os.uname().nodename)
        with pytest.raises(DataError, match=rf"here: has no wav.scp \(on the host {host}\)"):
            next(told)
        with pytest.raises(TimeoutError, match=rf"Connection timed out \(on the host {host}\): 'far/away\.wav'"):
            list(workers.results([(times_out,)]))
        assert list(tmp_path.glob(".avsi-cluster-*"))
    assert not list(tmp_path.glob(".avsi-cluster-*"))


@pytest.mark.slow
def test_a_program_writes_the_same_as_with_processes(scheduler, tmp_path, monkeypatch):
    """Into a folder that is named from where the program runs."""
    for speaker, stem in (("s1", "bbaf2n"), ("s2", "bbaf3s"), ("s3", "bbaf4p")):
        (tmp_path / "corpus" / speaker).mkdir(parents=True)
        write_wav(tmp_path / "corpus" / speaker / f"{stem}.wav", speech(0), RATE)
    monkeypatch.chdir(tmp_path)
    options = ["--root", "corpus", "--split", "speaker-independent"]
    run_app(app, *options, "--out", "serial", "--jobs", "1")
    output = run_app(app, *options, "--out", "spread", "--cluster", scheduler[0])
    assert re.search(rf"{scheduler[0]}: workers: [12]\n", output)  # one may still be coming back
    serial, spread = (sorted(path for path in Path(name).rglob("*") if path.is_file()) for name in ("serial", "spread"))
    assert len(serial) > 12 and [path.relative_to("serial") for path in serial] == [
        path.relative_to("spread") for path in spread
    ]
    for one, other in zip(serial, spread, strict=True):
        assert one.read_bytes() == other.read_bytes().replace(b"spread", b"serial"), one


@pytest.mark.slow
def test_a_lost_scheduler_is_one_line(scheduler):
    """The last test that needs it."""
    address, process = scheduler
    with Cluster(address) as workers, pytest.raises(ClusterError, match=r"scheduler was lost; .* same command goes on"):
        list(workers.results([(kills, process.pid), *((square, number) for number in range(100))]))


def test_where_no_scheduler_answers(monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_S", 0.3)
    with Cluster("tcp://127.0.0.1:9") as workers, pytest.raises(ClusterError, match="no scheduler answers"):
        workers.results([(square, 1)]).__next__()


@pytest.mark.parametrize(
    "text, error",
    [
        ("- slurm", "expected 'cluster: NAME', with one of the names local, slurm"),
        ("cluster: [", "is not YAML"),
        ("cluster: cloud\njobs: 2", "expected 'cluster: NAME'"),
        ("cluster: local", "expected 'jobs: N'"),
        ("cluster: local\njobs: 2\nmemory: 4GB", "memory: not allowed with cluster: local, which takes jobs alone"),
        ("cluster: slurm\njobs: yes", "expected 'jobs: N'"),
    ],
)
def test_a_file_that_says_no_queue(tmp_path, text, error):
    (tmp_path / "cluster.yaml").write_text(text)
    with pytest.raises(ClusterError, match=error):
        Cluster(str(tmp_path / "cluster.yaml"))


@pytest.mark.parametrize("address", ["http://node:8786", "tcp://node", "tcp://:8786x"])
def test_what_is_no_address_of_a_scheduler(address):
    with pytest.raises(ClusterError, match=f"--cluster {address}: expected an address with a port, such as tcp://"):
        Cluster(address)


def test_a_queue_that_refuses_all_jobs_is_not_waited_for(tmp_path, monkeypatch):
    pytest.importorskip("dask_jobqueue")
    command = tmp_path / "sbatch"
    command.write_text("#!/bin/sh\necho 'sbatch: error: no such partition' >&2\nexit 1\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "slurm.yaml").write_text("cluster: slurm\njobs: 2\nmemory: 1GB\nqueue: shortt\n")
    error = r"slurm\.yaml: the jobs for workers were refused: sbatch: error: no such partition$"
    with Cluster(str(tmp_path / "slurm.yaml")) as workers, pytest.raises(ClusterError, match=error):
        workers.results([(square, 1)]).__next__()


def test_a_name_that_is_neither_file_nor_address():
    with pytest.raises(ClusterError, match="no such file, and no address"):
        Cluster("login-node:8786")


def test_workers_that_cannot_do_the_tasks_are_named(tmp_path):
    (tmp_path / "token").touch()
    same = tuple(versions().items())
    check(Here(str(tmp_path), "token", same))
    with pytest.raises(ClusterError, match=r"has torch .*, and this program 0.1: start workers in the environment"):
        check(Here(str(tmp_path), "token", (*same, ("torch", "0.1"))))
    with pytest.raises(ClusterError, match=r"has avsi of sources [0-9a-f]{12}, and this program of sources 00"):
        check(Here(str(tmp_path), "token", (("avsi", "of sources 00"),)))
    with pytest.raises(ClusterError, match=r"does not see the folder .*none"):
        check(Here(str(tmp_path / "none"), "token", same))
    with pytest.raises(ClusterError, match="sees another folder under"):
        check(Here(str(tmp_path), "other", same))
    with pytest.raises(ClusterError, match="has 4 threads"):
        check_threads({"tcp://one": 1, "tcp://two": 4})
