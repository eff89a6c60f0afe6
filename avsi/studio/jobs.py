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

from ..errors import AvsiError
from ..program import error_text
from .refusals import Refused
from .worker import serve

LOOK_EACH_S = 0.05
ENDS_WITHIN_S = 3.0
KEPT = 500  # finished jobs that can still be asked for
MAX_WAITING = 300  # of those that a user waits for; more than clips can be open
ENDED = ("done", "failed", "cancelled")


class Job:
    """A task and what became of it."""

    def __init__(
        self,
        task: tuple[str, str],
        arguments: Callable[[], dict[str, Any]],
        finish: Callable[[Any, list[str]], Any] | None = None,
        asked: bool = True,
        ready: Callable[[], bool] | None = None,
        about: tuple[str, str] = ("", ""),
        called: tuple[str, str] = ("", ""),
    ) -> None:
        """
        Args:
            task: a module of this room and a function in it, which gets a :class:`.worker.Teller`.
            arguments: called when the task begins.
            finish: what is made of a task's result and its notes.
            asked: whether a user waits for it; others come later.
            ready: whether it can begin; others need not wait for it.
            about: the id of a clip, and what is done with it: as which a page finds it again.
            called: a path, and by which name messages call it.
        """
        self.id = secrets.token_hex(8)
        self.task, self.arguments, self.finish, self.asked = task, arguments, finish, asked
        self.ready = ready or (lambda: True)
        self.about, self._called = about, called
        self.is_told = False  # how it ended
        self.state, self.step, self.error = "waiting", "", ""
        self.result: Any = None
        self.progress: float | None = None
        self._step_began = time.monotonic()
        self.ended = threading.Event()

    def told(self) -> dict[str, Any]:
        """As the page is told of it."""
        left_s = None
        self.is_told |= self.state in ENDED
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

    def named(self, text: str) -> str:
        path, name = self._called
        return text.replace(path, name) if path else text

    def at(self, step: str, progress: float | None) -> None:
        if step != self.step:
            self.step, self._step_began = step, time.monotonic()
        self.progress = progress

    def fail(self, error: str) -> None:
        """End it with an error, which calls the clip by its name."""
        self.end("failed", error=self.named(error))

    def end(self, state: str, result: Any = None, error: str = "") -> None:
        """End it, once: what was cancelled stays so."""
        if self.state in ENDED:
            return
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
            if job.asked and sum(other.asked for other in self._waiting) >= MAX_WAITING:
                raise Refused(429, "too much work waits already; cancel some of it")
            place = len(self._waiting)
            if job.asked:
                place = next((n for n, other in enumerate(self._waiting) if not other.asked), place)
            self._waiting.insert(place, job)
            self._changed.notify_all()
        return job

    def cancel(self, job: Job) -> None:
        """End a job, unless it is done but for keeping its result."""
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
        self._thread.join(2 * ENDS_WITHIN_S)
        self._end_process()

    def _kill(self) -> None:
        """End the process; it first removes what it had begun to write."""
        if self._process is not None:
            self._process.terminate()

    def _work(self) -> None:
        while (job := self._next()) is not None:
            try:
                self._carry_out(job)
            except Refused as error:
                job.fail(str(error))
            except (AvsiError, OSError) as error:
                job.fail(error_text(error))
            except Exception:  # the next jobs are carried out nevertheless
                traceback.print_exc()
                job.fail("something went wrong; the terminal of avsi studio shows what")
            finally:
                with self._changed:
                    self._running = None
                if job.state == "cancelled":
                    self._end_process()  # which was told to end, and carries out no other

    def _next(self) -> Job | None:
        """The job to carry out, once there is one; None when the lane is closed."""
        with self._changed:
            while not self._closed:
                job = next((job for job in self._waiting if job.ready()), None)
                if job is not None:
                    self._waiting.remove(job)
                    job.state, self._running = "running", job
                    return job
                self._changed.wait(LOOK_EACH_S if self._waiting else None)
        return None

    def _connected(self) -> Connection:
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
            self._process.join(ENDS_WITHIN_S)
            self._process.kill()  # if it has not ended
            self._process.join()
        self._process = self._connection = None

    def _carry_out(self, job: Job) -> None:
        arguments = job.arguments()
        try:
            with self._changed:
                if job.state == "cancelled":
                    return
                connection = self._connected()
            connection.send((*job.task, arguments))
            while True:
                while not connection.poll(LOOK_EACH_S):
                    if job.state == "cancelled":
                        return
                kind, content, more = connection.recv()
                if kind == "step":
                    job.at(content, more)
                else:
                    break
        except (EOFError, OSError):
            self._end_process()
            job.fail("the process at work on it ended; is there enough memory?")
            return
        with self._changed:
            if job.state == "cancelled":
                return
            self._running = None  # from here on it cannot be cancelled
        if kind == "failed":
            job.fail(content)
            return
        try:
            notes = [job.named(note) for note in more]
            job.end("done", job.finish(content, notes) if job.finish else content)
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

    def of(self, clip: str) -> dict[str, str]:
        """What a page of a clip, which may have been opened anew, has to follow: ids of jobs by what they do."""
        jobs = [job for job, _ in list(self._known.values()) if job.about[0] == clip and job.state != "cancelled"]
        return {job.about[1]: job.id for job in jobs if job.asked and not job.is_told}

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
