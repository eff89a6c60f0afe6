"""How figures came about: the command, the code and the machine."""

import datetime
import os
import platform
import shlex
import subprocess
import sys
from pathlib import Path

from avsi import __version__


def this_run() -> dict[str, str]:
    """Of the program that is running: date, command, commit (or version, outside of a checkout) and machine."""
    return {
        "date": datetime.date.today().isoformat(),
        "command": _command(),
        "commit": _commit() or f"avsi {__version__}",
        "machine": f"{_cores()} cores, {_processor()}, Python {platform.python_version()}",
    }


def _cores() -> int:
    """Those that this program may use, where the system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _command() -> str:
    """As it was typed, programs of this package by the name that ``python -m`` takes."""
    program = Path(sys.argv[0])
    named = f"python -m {program.parent.name}.{program.stem}" if program.suffix == ".py" else program.name
    return shlex.join([*named.split(), *sys.argv[1:]])


def _commit() -> str:
    """The checkout's commit, with -dirty where its files were changed since; "" where there is none."""
    # Nothing is written into the checkout: a full disk would leave a lock there.
    git = ["git", "--no-optional-locks", "-C", str(Path(__file__).parent)]
    try:
        commit, changed = (
            subprocess.run([*git, *command], capture_output=True, text=True, check=True).stdout.strip()
            for command in (["rev-parse", "--short", "HEAD"], ["status", "--porcelain", "--untracked-files=no"])
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return f"{commit}-dirty" if changed else commit


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()
