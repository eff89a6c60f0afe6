"""Which core a worker process runs on."""

import contextlib
import os
import socket
import sys


def take_core() -> None:
    """Run on one core only, which no worker of this or another run has taken; on any where all are taken.

    MediaPipe starts a thread per core; those of several workers would get into each other's way.
    """
    if sys.platform != "linux":
        return
    for core in sorted(os.sched_getaffinity(0)):
        with contextlib.suppress(OSError):  # taken, or no such sockets are allowed here
            held = socket.socket(socket.AF_UNIX)
            held.bind(f"\0avsi-core-{core}")
            held.detach()  # left open: a name without a file, free again when this process ends
            os.sched_setaffinity(0, {core})
            return
