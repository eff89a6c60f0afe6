"""What every command-line program shares: errors as one line, progress bars, tables, pages."""

import os
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import TypeVar

import typer

from .cluster import cluster_in_use
from .cores import take_core
from .errors import AvsiError, AvsiWarning

STOPPED = 130  # exit status after Ctrl-C, as in a shell
ORPHAN_CHECK_S = 0.5  # how often a worker looks whether the main process is still there
DEBUG = "--debug"
T = TypeVar("T")


def run_program(app: typer.Typer, kept: str = "what was done so far is kept") -> None:
    """Run a program: an error that a user can cause is one line on the terminal and exit status 1, a warning a note.

    ``--debug``, anywhere, shows the traceback instead.

    Args:
        kept: what is told after Ctrl-C.
    """
    warnings.simplefilter("default", AvsiWarning)  # each text once
    # joblib's, of results that are not wanted any more once an error ends the work
    warnings.filterwarnings("ignore", r"\d+ tasks (have been successfully executed|which were still)", UserWarning)
    warnings.showwarning = _show_warning
    debug = DEBUG in sys.argv
    try:
        app([argument for argument in sys.argv[1:] if argument != DEBUG])
    except (AvsiError, OSError) as error:
        if debug:
            raise
        fail(error_text(error))
    except SystemExit as exit_:
        if exit_.code == STOPPED:  # Typer's answer to Ctrl-C
            fail(f"stopped; {kept}", STOPPED)
        raise


def _show_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: object, **__: object
) -> None:
    own = issubclass(category, AvsiWarning)
    sys.stderr.write(f"note: {message}\n" if own else warnings.formatwarning(message, category, filename, lineno))


def error_text(error: AvsiError | OSError) -> str:
    """What a user is told of an error that ended a program, or a part of its work."""
    if isinstance(error, OSError):
        return f"{error.filename or 'a file'}: {error.strerror or error}"
    return str(error)


def fail(message: str, status: int = 1) -> None:
    """Print one line on the error stream and leave the program."""
    print_error(message)
    sys.exit(status)


def print_error(message: str, error: BaseException | None = None) -> None:
    """Print one line on the error stream; with ``--debug``, after where the error comes from."""
    if error is not None and DEBUG in sys.argv:
        traceback.print_exception(error)
    print(f"error: {' '.join(message.split())}", file=sys.stderr)


def progress(items: Iterable, total: int, what: str) -> Iterator:
    """Yield ``items`` under a progress bar with the time left; on no terminal, silently."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=total)
        for item in items:
            yield item
            bar.advance(task)


def print_table(title: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table on the terminal: the first column to the left, the others to the right."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    # Names may hold what Rich takes for markup.
    table = Table(box=None, pad_edge=False)
    for index, name in enumerate(header):
        table.add_column(name, justify="left" if index == 0 else "right", overflow="fold")
    for row in rows:
        table.add_row(*(escape(str(cell)) for cell in row))
    console = Console()
    # Into a file or a pipe nothing is folded to a terminal's width, and a title never to that of its table.
    console = console if console.is_terminal else Console(width=200)
    console.print(title, style="italic", markup=False, highlight=False, soft_wrap=True)
    console.print(table)


def print_markdown(text: str) -> None:
    """A Markdown page, drawn on a terminal; as it is into a file or a pipe."""
    from rich.console import Console
    from rich.markdown import Markdown

    console = Console()
    if console.is_terminal:
        console.print(Markdown(text))
    else:
        print(text, end="")


def in_parallel(jobs: int, tasks: Iterable[tuple], ordered: bool = True) -> Iterator:
    """The results of ``(function, *arguments)`` tasks, from several processes, or from the workers of ``--cluster``.

    Args:
        tasks: taken as they are handed out, in a thread of joblib's: they must not raise errors.
        ordered: as the tasks are; else as they come, from processes.
    """
    if (cluster := cluster_in_use()) is not None:
        return cluster.results(tasks)
    from joblib import Parallel, delayed, parallel_config

    order = "generator" if ordered else "generator_unordered"
    with parallel_config("loky", initializer=_settle, initargs=(os.getpid(),)):
        return Parallel(n_jobs=jobs, return_as=order)(delayed(function)(*arguments) for function, *arguments in tasks)


def n_processes(jobs: int) -> int:
    """How many tasks :func:`in_parallel` does at a time."""
    cluster = cluster_in_use()
    return jobs if cluster is None else cluster.n_workers


@lru_cache(maxsize=8)
def once(function: Callable[..., T], *arguments: Hashable) -> T:
    """The result of a function, computed once in each process. A program that has its own cached function cannot send
    its tasks to other processes: there its module is another ``__main__``.
    """
    return function(*arguments)


def _end_with(parent: int) -> None:
    """End this process once its parent is gone."""
    while os.getppid() == parent:
        time.sleep(ORPHAN_CHECK_S)
    os._exit(1)


def settle(parent: int) -> None:
    """What a worker process does first."""
    # Ctrl-C is for the main process, which then ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # One that is killed cannot end them.
    threading.Thread(target=_end_with, args=[parent], daemon=True).start()


def _settle(parent: int) -> None:
    """What one of several worker processes does first."""
    settle(parent)
    take_core()
