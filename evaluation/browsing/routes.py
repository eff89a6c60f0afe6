"""The addresses of an evaluation's page: what a request asks for, and what it is answered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from avsi.errors import DataError
from avsi.studio.answers import PAGE, app_of, number, page_file, whole
from avsi.studio.bodies import read_json
from avsi.studio.refusals import Refused
from avsi.studio.sounds import Clocked
from avsi.studio.tiles import spectrogram

from ..folder.evaluation import Evaluation
from ..folder.versions import ORIGINAL, UNPROCESSED
from ..listening.drawing import draw_test
from ..listening.listening_test import CALLED, ListeningTest, find_test, read_tests
from ..listening.outcome import outcome_tables
from ..listening.ratings import listeners
from ..reporting.cells import condition_title
from ..reporting.sections import heading, seen_in_training
from ..reporting.table_model import Table
from ..reporting.tables import condition_table, difference_table, harm_table
from ..statistics.comparisons import ablation_pairs
from .details import details_of
from .listening_routes import listening_table
from .snapshot import Live
from .sounds import Sounds, wav_answer
from .utterance_table import Asked, page_of

OWN_PAGE = Path(__file__).parent / "page"
INPUTS = "A, V: the model takes sound, video. MTL (multi-task learning): it learnt to name the phones too."
KEPT = {"Cache-Control": "private, max-age=3600"}


def make_app(live: Live, tests: Path) -> Starlette:
    """The page of an evaluation, and its listening tests.

    Args:
        tests: the folder for those.
    """
    sounds = Sounds()
    routes = _Routes(live, tests, sounds)
    table: list[tuple[str, Callable, str]] = [
        ("/", routes.index, "GET"),
        ("/api/evaluation", routes.evaluation, "GET"),
        ("/api/revision", routes.revision, "GET"),
        ("/api/condition", routes.condition, "GET"),
        ("/api/means", routes.means, "GET"),
        ("/api/rows", routes.rows, "GET"),
        ("/api/utterance", routes.utterance, "GET"),
        ("/api/sound", routes.sound, "GET"),
        ("/api/spectrogram", routes.spectrogram, "GET"),
        ("/api/tests", routes.tests, "GET"),
        ("/api/tests", routes.draw, "POST"),
        ("/api/tests/{test}/outcome", routes.outcome, "GET"),
        ("/listen", listen_page, "GET"),
    ]
    return app_of([*table, *_PAGES, *listening_table(live, tests, sounds)])


def make_listening_app(live: Live, test: ListeningTest) -> Starlette:
    """One listening test alone: nothing that names a system can be asked for."""
    own = listening_table(live, test.folder.parent, Sounds(), test.name)
    return app_of([("/", listen_page, "GET"), *_PAGES, *own])


def listen_page(request: Request) -> Response:
    return FileResponse(OWN_PAGE / "listen.html", media_type="text/html")


def _shared(request: Request) -> Response:
    return page_file(PAGE, request.path_params["name"])


def _own(request: Request) -> Response:
    return page_file(OWN_PAGE, request.path_params["name"])


# What the studio of clips shares, and what is of this page alone.
_PAGES: list[tuple[str, Callable, str]] = [("/page/{name}", _shared, "GET"), ("/evaluation/{name}", _own, "GET")]


class _Routes:
    """Those that read no body run in threads of their own."""

    def __init__(self, live: Live, tests: Path, sounds: Sounds) -> None:
        self.live, self.folder, self.sounds = live, tests, sounds

    def index(self, request: Request) -> Response:
        return FileResponse(OWN_PAGE / "index.html", media_type="text/html")

    def evaluation(self, request: Request) -> Response:
        evaluation = self.live.whole()
        speakers = sorted({utterance.speaker for utterance in evaluation.utterances})
        described = evaluation.about["systems"].items()
        models = [name for name, about in described if "senses" in about]
        return JSONResponse(
            {
                "heading": heading(evaluation),
                "caution": evaluation.caution,
                "utterances": len(evaluation.utterances),
                "speakers": speakers,
                "conditions": [{"name": of.name, "title": condition_title(of)} for of in evaluation.conditions],
                "systems": evaluation.systems,
                "models": models,
                "unprocessed": UNPROCESSED,
                "kinds": [{"name": name, "about": about} for name, about in CALLED.items()],
                "tests_folder": str(self.folder),
            }
        )

    def revision(self, request: Request) -> Response:
        return JSONResponse({"revision": self.live.revision(_text(request, "condition"))})

    def condition(self, request: Request) -> Response:
        """What can be asked for under a condition by now: systems that were restored, metrics that are scored."""
        snapshot = self.live.under(_text(request, "condition"))
        metrics = [{"key": column.name, "label": column.label} for column in snapshot.columns]
        return JSONResponse({"systems": list(snapshot.sets), "metrics": metrics})

    def means(self, request: Request) -> Response:
        """The report's tables of one condition, and the differences of two systems that are named."""
        condition, pair = _text(request, "condition"), (_text(request, "first", ""), _text(request, "second", ""))
        snapshot = self.live.under(condition)
        for name in filter(None, pair):
            if name not in snapshot.sets:
                raise Refused(400, f"first and second: expected two of {', '.join(snapshot.sets)}")
        asked = pair if all(pair) and pair[0] != pair[1] else None
        try:
            summary, notes = self.live.summary(condition, asked)
        except DataError as error:
            return JSONResponse({"revision": snapshot.revision, "tables": [], "notes": [*snapshot.notes, str(error)]})
        [of] = summary.conditions
        pairs = dict.fromkeys([*([asked] if asked else []), *ablation_pairs(snapshot.evaluation)])
        tables = [
            condition_table(summary, of),
            *(difference_table(summary, *names) for names in pairs),
            *([harm_table(summary)] if summary.harms else []),
        ]
        told = {"revision": snapshot.revision, "tables": [_told(table) for table in tables]}
        return JSONResponse({**told, "notes": [*_overlaps(snapshot.evaluation), *snapshot.notes, *notes, INPUTS]})

    def rows(self, request: Request) -> Response:
        names = ("view", "system", "other", "metric", "sort", "text", "speaker")
        asked = Asked(
            **{name: request.query_params[name] for name in names if name in request.query_params},
            descending=_flag(request, "descending"),
            lacking=_flag(request, "lacking"),
            first=whole(request, "first"),
            count=whole(request, "count"),
        )
        return JSONResponse(page_of(self.live.under(_text(request, "condition")), asked))

    def utterance(self, request: Request) -> Response:
        return JSONResponse(details_of(self.live.under(_text(request, "condition")), _text(request, "id")))

    def _version(self, request: Request) -> Clocked:
        condition, id_, version = (_text(request, name) for name in ("condition", "id", "version"))
        snapshot = self.live.under(condition)
        if id_ not in snapshot.utterances or version not in (ORIGINAL, UNPROCESSED, *snapshot.sets):
            raise Refused(404, "no such utterance, or no such version of it")
        utterance = snapshot.utterances[id_]
        return self.sounds.get(snapshot.evaluation, utterance, condition, version, snapshot.revision)

    def sound(self, request: Request) -> Response:
        return wav_answer(request, self._version(request))

    def spectrogram(self, request: Request) -> Response:
        sound = self._version(request)
        size = whole(request, "width"), whole(request, "height")
        picture = spectrogram(sound, number(request, "start"), number(request, "end"), *size)
        return Response(picture, media_type="image/png", headers=KEPT)

    def tests(self, request: Request) -> Response:
        tests, broken = read_tests(self.folder)
        told: list[dict] = [
            {
                "name": test.name,
                "kind": test.kind,
                "seed": test.seed,
                "systems": test.systems,
                "conditions": test.conditions,
                "trials": len(test.trials),
                "listeners": listeners(test),
                "left_out": test.left_out,
                "folder": str(test.folder),
            }
            for test in tests
        ]
        return JSONResponse([*told, *({"name": name, "broken": why} for name, why in broken.items())])

    async def draw(self, request: Request) -> Response:
        asked = await read_json(request)
        kind, systems, conditions = (asked.get(name) for name in ("kind", "systems", "conditions"))
        for name, names in (("systems", systems), ("conditions", conditions)):
            if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
                raise Refused(400, f"{name}: expected a list of names")
        for name in ("trials", "seed"):
            if type(asked.get(name)) is not int:
                raise Refused(400, f"{name}: expected a whole number")
        told = kind, systems, conditions, asked["trials"], asked["seed"]
        test = await run_in_threadpool(draw_test, self.live.whole(), self.folder, *told)
        return JSONResponse({"name": test.name}, 201)

    def outcome(self, request: Request) -> Response:
        test = find_test(self.folder, request.path_params["test"])
        if test is None:
            raise Refused(404, "no such listening test")
        return JSONResponse({"tables": [_told(table) for table in outcome_tables(test)]})


def _overlaps(evaluation: Evaluation) -> list[str]:
    """Which models know the test set, or speakers of it, from training."""
    return [
        f"{name}: {seen_in_training(evaluation, about)}. Its figures say little of other speakers."
        for name, about in evaluation.about["systems"].items()
        if about.get("seen_speakers") or about.get("seen_utterances")
    ]


def _told(table: Table) -> dict:
    """As the page takes a table: cells are [text, whether it is bold]."""
    parts = {"caption": table.caption, "header": table.header, "alignment": table.alignment}
    return {**parts, "rows": table.cells(str)}


def _text(request: Request, name: str, default: str | None = None) -> str:
    value = request.query_params.get(name, default)
    if value is None:
        raise Refused(400, f"{name}: is missing")
    return value


def _flag(request: Request, name: str) -> bool:
    return request.query_params.get(name, "") not in ("", "0")
