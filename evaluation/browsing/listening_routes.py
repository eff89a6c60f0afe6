"""The addresses of listening tests, as listeners use them: nothing in an answer tells which version is which."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from avsi.errors import AvsiError, ConfigError
from avsi.program import error_text, print_error
from avsi.studio.bodies import read_json
from avsi.studio.refusals import Refused
from avsi.studio.sounds import Clocked

from ..folder.layout import STFT
from ..folder.versions import ORIGINAL
from ..listening.listening_test import MUSHRA, ListeningTest, find_test, read_tests
from ..listening.ratings import add_ratings, listener_name, next_trial
from .snapshot import Live
from .sounds import Sounds, wav_answer

MOST_IDS = 5000


def listening_table(live: Live, tests: Path, sounds: Sounds, only: str = "") -> list[tuple[str, Callable, str]]:
    """As :func:`avsi.studio.answers.app_of` takes it.

    Args:
        only: the name of the one test that is offered; by default all in the folder are.
    """
    routes = _Routes(live, tests, sounds, only)
    return [
        ("/api/listening", routes.tests, "GET"),
        ("/api/listening/{test}/trial", routes.trial, "POST"),
        ("/api/listening/{test}/ratings", routes.rate, "POST"),
        ("/api/listening/sounds/{sound}", routes.sound, "GET"),
    ]


class _Routes:
    def __init__(self, live: Live, tests: Path, sounds: Sounds, only: str) -> None:
        self.live, self.folder, self.sounds, self.only = live, tests, sounds, only
        # By an id that was drawn for one trial of one listener: test, number of the trial, version.
        self._drawn: OrderedDict[str, tuple[ListeningTest, int, str]] = OrderedDict()
        self._lock = threading.Lock()

    def tests(self, request: Request) -> Response:
        offered = [self._test(self.only)] if self.only else read_tests(self.folder)[0]
        return JSONResponse([{"name": test.name, "kind": test.kind} for test in offered])

    async def trial(self, request: Request) -> Response:
        asked = await read_json(request)
        return JSONResponse(await run_in_threadpool(self._trial, request.path_params["test"], asked))

    def _trial(self, name: str, asked: dict) -> dict:
        """The next trial of a listener; only how many there are, after the last."""
        test, listener = self._test(name), _listener(asked)
        with _not_for_listeners("your answers cannot be read"):
            number, rated = next_trial(test, listener)
        told = {"kind": test.kind, "listener": listener, "rated": rated, "trials": len(test.trials)}
        if number is None:
            return {**told, "trial": None}
        trial = test.trials[number - 1]
        sound = self._sound(test, number, ORIGINAL)
        gaps = self.live.whole().gaps[trial.condition][trial.id]
        return {
            **told,
            "trial": number,
            "duration_s": sound.length / STFT.sample_rate,
            "gaps": [[gap.start_s, gap.end_s] for gap in sorted(gaps)],
            "reference": self._draw(test, number, ORIGINAL) if test.kind == MUSHRA else None,
            "sounds": [self._draw(test, number, version) for version in test.positions(listener, number)],
        }

    async def rate(self, request: Request) -> Response:
        asked = await read_json(request)
        test, listener = self._test(request.path_params["test"]), _listener(asked)
        number, values = asked.get("trial"), asked.get("ratings")
        if type(number) is not int:
            raise Refused(400, "trial: expected a whole number")
        if not isinstance(values, list) or not all(type(value) in (int, float) for value in values):
            raise Refused(400, "ratings: expected a list of numbers")
        with _not_for_listeners("your answer cannot be kept", but=ConfigError):
            await run_in_threadpool(add_ratings, test, listener, number, values)
            return JSONResponse({"rated": next_trial(test, listener)[1]}, 201)

    def sound(self, request: Request) -> Response:
        drawn = self._drawn.get(request.path_params["sound"])
        if drawn is None:
            raise Refused(404, "no such sound; load the page again")
        return wav_answer(request, self._sound(*drawn))

    def _test(self, name: str) -> ListeningTest:
        test = find_test(self.folder, name) if self.only in ("", name) else None
        if test is None:
            raise Refused(404, "no such listening test")
        return test

    def _draw(self, test: ListeningTest, number: int, version: str) -> str:
        id_ = secrets.token_urlsafe(12)
        with self._lock:
            self._drawn[id_] = test, number, version
            while len(self._drawn) > MOST_IDS:
                self._drawn.popitem(last=False)
        return id_

    def _sound(self, test: ListeningTest, number: int, version: str) -> Clocked:
        evaluation, trial = self.live.whole(), test.trials[number - 1]
        with _not_for_listeners("this trial cannot be played"):
            utterance = next((one for one in evaluation.utterances if one.id == trial.id), None)
            if utterance is None:
                raise ConfigError(f"{trial.id}: is no longer in {evaluation.folder}")
            revision = self.live.revision(trial.condition)
            return self.sounds.get(evaluation, utterance, trial.condition, version, revision)


@contextmanager
def _not_for_listeners(told: str, but: type[AvsiError] | None = None) -> Iterator[None]:
    """Reasons that name systems and files are for the terminal; a listener is told no more than what fails.

    Args:
        but: errors that a listener can mend.
    """
    try:
        yield
    except (AvsiError, OSError, Refused) as error:
        if but and isinstance(error, but):
            raise
        print_error(str(error) if isinstance(error, Refused) else error_text(error))
        raise Refused(500, f"{told}; tell those who gave you the test") from error


def _listener(asked: dict) -> str:
    name = asked.get("listener")
    if not isinstance(name, str):
        raise Refused(400, "listener: expected a name or number")
    return listener_name(name)
