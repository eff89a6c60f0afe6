"""Files that appear whole or not at all, locks, and processes that are killed."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from avsi.errors import DataError
from avsi.files import each_line, this_process, write_text, written_beside
from avsi.folders import files_together, folder_beside, in_turn, locked

WORKERS = """
import os, sys, time
from avsi.program import in_parallel

def work(path):
    with open(path + str(os.getpid()), "w"):
        time.sleep(60)

if __name__ == "__main__":
    list(in_parallel(2, [(work, sys.argv[1])] * 4))
"""
FAILING = """
from avsi.errors import DataError
from avsi.program import in_parallel, run_program

def work(arguments):
    results = in_parallel(2, [(len, "a")] * 100)
    next(results)
    raise DataError("a full disk")

if __name__ == "__main__":
    run_program(work)
"""
LOCK = """
import sys, time
from avsi.folders import locked

with locked(sys.argv[1]):
    print("locked", flush=True)
    time.sleep(60)
"""


def program(*arguments: object) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, *map(str, arguments)], stdout=subprocess.PIPE, text=True)


def runs(process: int) -> bool:
    """Whether a process is there and no mere entry that nobody has asked for."""
    status = Path(f"/proc/{process}/status")
    return status.is_file() and "State:\tZ" not in status.read_text()


@pytest.fixture
def gone() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_workers_end_when_the_main_process_is_killed(tmp_path):
    (tmp_path / "work.py").write_text(WORKERS)
    main = program(tmp_path / "work.py", f"{tmp_path}/worker-")
    while len(list(tmp_path.glob("worker-*"))) < 2:
        assert main.poll() is None
        time.sleep(0.05)
    workers = [int(path.name.partition("-")[2]) for path in tmp_path.glob("worker-*")]
    assert all(map(runs, workers))
    main.kill()
    main.wait()
    deadline = time.monotonic() + 4
    while any(map(runs, workers)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_nothing_is_told_beside_the_error_that_ends_parallel_work(tmp_path):
    (tmp_path / "work.py").write_text(FAILING)
    ran = subprocess.run([sys.executable, tmp_path / "work.py"], capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (1, "error: a full disk\n")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux binds a process to a core this way")
def test_no_two_workers_are_bound_to_one_core_though_two_runs_go_on_at_once(tmp_path):
    (tmp_path / "work.py").write_text(WORKERS)
    runs_at_once = [program(tmp_path / "work.py", f"{tmp_path}/worker-") for _ in range(2)]
    while len(list(tmp_path.glob("worker-*"))) < 4:
        assert all(run.poll() is None for run in runs_at_once)
        time.sleep(0.05)
    workers = [int(path.name.partition("-")[2]) for path in tmp_path.glob("worker-*")]
    bound = [cores for cores in map(os.sched_getaffinity, workers) if len(cores) == 1]
    for run in runs_at_once:
        run.kill()
        run.wait()
    assert len(set.union(set(), *bound)) == len(bound)


def test_a_lock_is_for_one_process_and_ends_with_it(tmp_path):
    holder = program("-c", LOCK, tmp_path / "run")
    assert holder.stdout.readline() == "locked\n"
    with pytest.raises(DataError, match="run: another process is at work on it"), locked(tmp_path / "run"):
        pass
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with locked(tmp_path / "run"):
        assert list((tmp_path / "run").iterdir()) == []
    assert (tmp_path / "run").is_dir()  # this one did not make it


def test_a_lock_makes_a_folder_and_leaves_none_that_is_empty(tmp_path):
    with locked(tmp_path / "a" / "b"):
        assert (tmp_path / "a" / "b").is_dir()
    assert list(tmp_path.iterdir()) == []
    with locked(tmp_path / "a" / "b"):
        (tmp_path / "a" / "b" / "file").touch()
    assert (tmp_path / "a" / "b" / "file").is_file()
    with pytest.raises(DataError, match="file: is a file; expected a folder"), locked(tmp_path / "a" / "b" / "file"):
        pass


def test_killed_runs_beginnings_of_files_go_with_the_next_file_in_their_folder(tmp_path, gone):
    stays = [
        f".out.partial-{os.getppid()}.wav",  # of a process that runs
        f".out.partial-{gone}@another-host.wav",
        f".out.partial-{gone}x.wav",
        ".out.partial-.wav",
        f"out.partial-{gone}.wav",
    ]
    goes = [
        f".out.partial-{gone}.wav",
        f".out.partial-{gone}@{this_process().partition('@')[2]}.wav",
        ".out.partial-99999999999999999999.wav",
        f".other.partial-{gone}.mp4",
        f".[x] (1).partial-{gone}",
    ]
    for name in (*stays, *goes):
        (tmp_path / name).write_text("left")
    write_text(tmp_path / "out.wav", "whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*stays, "out.wav"])


def test_a_folders_beginnings_of_another_kind_are_no_ones(tmp_path):
    (tmp_path / ".corpus.partial-of mine").mkdir()
    with folder_beside(tmp_path / "corpus"):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == [".corpus.partial-of mine", "corpus"]


def snapshot(folder: Path) -> dict[str, str | None]:
    return {str(path.relative_to(folder)): path.read_text() if path.is_file() else None for path in folder.rglob("*")}


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("there", [False, True])
def test_files_of_a_folder_change_together_or_not_at_all(tmp_path, there, gone):
    folder = tmp_path / "above" / "set"
    if there:
        folder.mkdir(parents=True)
        for name in ("both", "old", "other"):
            (folder / name).write_text("before")
    before = snapshot(tmp_path)
    with pytest.raises(OSError) as told, files_together(folder, instead_of=["o*d"]) as new:
        write_text(new / "both", "after")
        full()
    assert told.value.filename == str(folder) and snapshot(tmp_path) == before
    with pytest.raises(OSError) as told, files_together(folder) as new:
        write_text(new / "both", "after")
        with written_beside(new / "x.txt"):
            full()
    assert told.value.filename == str(folder / "x.txt") and snapshot(tmp_path) == before
    if there:
        (folder / f".set.partial-{gone}").mkdir()
    with files_together(folder, instead_of=["o*d"]) as new:
        write_text(new / "both", "after")
        (new / "sub").mkdir()
        write_text(new / "sub" / "new", "after")
    after = {"both": "after", "sub": None, "sub/new": "after"} | ({"other": "before"} if there else {})
    assert snapshot(folder) == after


def test_who_waits_for_a_turn_has_it_alone(tmp_path):
    """Also where the lock file has been deleted, and made anew, while it was waited for."""
    inside, most, lock = [], [], threading.Lock()

    def take_turns() -> None:
        for _ in range(40):
            with in_turn(tmp_path / "lock"):
                with lock:
                    inside.append(1)
                    most.append(len(inside))
                time.sleep(0.0005)
                with lock:
                    inside.pop()

    threads = [threading.Thread(target=take_turns) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1 and list(tmp_path.iterdir()) == []


def test_lines_one_by_one_end_at_line_feeds(tmp_path):
    path = tmp_path / "lines"
    path.write_bytes("\ufeffa\rb\n\nä\u2028c\r\n".encode() + b"last")
    assert list(each_line(path)) == ["a\rb", "", "ä\u2028c", "last"]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_byte_that_is_no_utf8_is_told_by_its_place_in_the_file(tmp_path, mark):
    path = tmp_path / "lines"
    content = mark + b"0123456789\n" * 2400
    path.write_bytes(content[:26000] + b"\xff" + content[26001:])
    with pytest.raises(DataError, match=f"^{path}: not a text file in UTF-8 .invalid start byte at byte 26000.$"):
        list(each_line(path))
