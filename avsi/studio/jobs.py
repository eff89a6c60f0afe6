"""Long work: jobs that wait for one of the worker processes, their progress, and how they are cancelled."""

from __future__ import annotations

import multiprocessing
import os
import secrets
import threading
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from .refusals import Refused
from .worker import serve

LOOK_EACH_S = 0.05
KEPT = 500  # finished jobs that can still be asked for
MAX_WAITING = 100
ENDED = ("done", "failed", "cancelled")


class Job:
    """A task and what became of it."""

    def __init__(
        self,
        task: tuple[str, str],
        arguments: Callable[[], dict[str, Any]],
        finish: Callable[[Any, list[str]], Any] | None = None,
        asked: bool = True,
    ) -> None:
        """
        Args:
            task: a module of this room and a function in it, which gets a :class:`.worker.Teller`.
            arguments: called when the task begins.
            finish: what is made of a task's result and its notes.
            asked: whether a user waits for it; others come later.
        """
        self.id = secrets.token_hex(8)
        self.task, self.arguments, self.finish, self.asked = task, arguments, finish, asked
        self.state, self.step, self.error = "waiting", "", ""
        self.result: Any = None
        self.progress: float | None = None
        self._step_began = time.monotonic()
        self.ended = threading.Event()

    def told(self) -> dict[str, Any]:
        """As the page is told of it."""
        left_s = None
        if self.state == "running" and self.progress and self.progress > 0.02:
            left_s = round((time.monotonic() - self._step_began) * (1 - self.progress) / self.progress, 1)
        return {
            "state": self.state,
            "step": self.step,
            "progress": self.progress,
            "left_s": left_s,
            "error": self.error or None,
            "result": self.result,
        }

    def at(self, step: str, progress: float | None) -> None:
        if step != self.step:
            self.step, self._step_began = step, time.monotonic()
        self.progress = progress

    def end(self, state: str, result: Any = None, error: str = "") -> None:
        self.result, self.error, self.state = result, error, state
        self.progress = 1.0 if state == "done" else self.progress
        self.ended.set()


class Lane:
    """A worker process and the jobs that wait for it."""

    def __init__(self, name: str, niceness: int = 0) -> None:
        self._name, self._niceness = name, niceness
        self._waiting: list[Job] = []
        self._running: Job | None = None
        self._closed = False
        self._changed = threading.Condition(threading.RLock())
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None
        self._thread = threading.Thread(target=self._work, name=f"studio {name}", daemon=True)
        self._thread.start()

    def add(self, job: Job) -> Job:
        with self._changed:
            if len(self._waiting) >= MAX_WAITING:
                raise Refused(429, "too much work waits already; cancel some of it")
            place = len(self._waiting)
            if job.asked:
                place = next((n for n, other in enumerate(self._waiting) if not other.asked), place)
            self._waiting.insert(place, job)
            self._changed.notify_all()
        return job

    def cancel(self, job: Job) -> None:
        with self._changed:
            self.withdraw(job)
            if job is self._running:
                job.end("cancelled")
                self._kill()

    def withdraw(self, job: Job) -> None:
        """Cancel a job that has not begun."""
        with self._changed:
            if job in self._waiting:
                self._waiting.remove(job)
                job.end("cancelled")

    def close(self) -> None:
        """End the process and all jobs."""
        with self._changed:
            self._closed = True
            for job in [*self._waiting, *([self._running] if self._running else [])]:
                job.end("cancelled")
            self._waiting.clear()
            self._kill()
            self._changed.notify_all()
        self._thread.join(5)

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if self._closed:
                    return
                job = self._running = self._waiting.pop(0)
                job.state = "running"
                connection = self._ready()
            try:
                self._carry_out(job, connection)
            finally:
                with self._changed:
                    self._running = None

    def _ready(self) -> Connection:
        """The connection to a process that runs."""
        if self._process is None or self._connection is None or not self._process.is_alive():
            self._end_process()
            context = multiprocessing.get_context("spawn")
            self._connection, other = context.Pipe()
            arguments = (other, os.getpid(), self._niceness)
            self._process = context.Process(target=serve, args=arguments, name=f"avsi studio {self._name}", daemon=True)
            self._process.start()
            other.close()
        return self._connection

    def _end_process(self) -> None:
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            self._process.join(5)
        self._process = self._connection = None

    def _carry_out(self, job: Job, connection: Connection) -> None:
        try:
            connection.send((*job.task, job.arguments()))
            while True:
                while not connection.poll(LOOK_EACH_S):
                    if job.state == "cancelled":
                        break
                if job.state == "cancelled":
                    self._end_process()
                    return
                kind, content, more = connection.recv()
                if kind == "step":
                    job.at(content, more)
                else:
                    break
        except (EOFError, OSError, Refused) as error:
            if not isinstance(error, Refused):
                self._end_process()
            if job.state != "cancelled":
                died = "the process at work on it ended; is there enough memory?"
                job.end("failed", error=str(error) if isinstance(error, Refused) else died)
            return
        if kind == "failed":
            job.end("failed", error=content)
            return
        try:
            job.end("done", job.finish(content, more) if job.finish else content)
        except Exception as error:
            traceback.print_exc()
            job.end("failed", error=f"its result could not be kept ({error})")


class Jobs:
    """The lanes, and the jobs that pages may ask for."""

    def __init__(self) -> None:
        # What restores, what decodes and saves, and what makes previews: none waits for another.
        self.models, self.files, self.previews = Lane("models"), Lane("files"), Lane("previews", niceness=5)
        self._known: dict[str, tuple[Job, Lane]] = {}

    def add(self, lane: Lane, job: Job) -> Job:
        lane.add(job)
        self._known[job.id] = job, lane
        old = [id_ for id_, (other, _) in self._known.items() if other.state in ENDED]
        for id_ in old[: max(len(self._known) - KEPT, 0)]:
            del self._known[id_]
        return job

    def get(self, id_: str) -> Job:
        if id_ not in self._known:
            raise Refused(404, "no such job")
        return self._known[id_][0]

    def cancel(self, id_: str) -> Job:
        job = self.get(id_)
        self._known[id_][1].cancel(job)
        return job

    def close(self) -> None:
        for lane in (self.models, self.files, self.previews):
            lane.close()
