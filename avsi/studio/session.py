"""The folder of one running studio, for what need not outlive it: sounds, previews, dropped clips, faces."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..files import is_running

PREFIX = "avsi-studio-"


@contextmanager
def session_folder() -> Iterator[Path]:
    """A new folder that no one else may look into, gone when the context ends; those of studios that crashed are
    removed first.
    """
    remove_left_folders(Path(tempfile.gettempdir()))
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_left_folders(temporary: Path) -> None:
    """Remove the folders of this user's studios that no longer run."""
    for left in temporary.glob(f"{PREFIX}*"):
        number = left.name.removeprefix(PREFIX).partition("-")[0]
        own = left.is_dir() and not left.is_symlink() and left.stat().st_uid == os.getuid()
        if own and number.isdecimal() and not is_running(int(number)):
            shutil.rmtree(left, ignore_errors=True)
