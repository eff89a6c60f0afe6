"""The addresses of the server: what a request asks for, and what it is answered."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from .answers import PAGE, app_of, number, page_file, whole
from .bodies import MAX_LABELS_BYTES, read_body, read_json, save_upload
from .clips import Clip, shown_name
from .jobs import Job
from .labels import read_labels, write_labels
from .playing import wav_bytes, wav_size
from .project_fields import is_number, is_text
from .ranges import ranged
from .refusals import Refused
from .studio import Studio
from .tiles import peaks, spectrogram

if TYPE_CHECKING:
    from starlette.applications import Starlette


def make_app(studio: Studio) -> Starlette:
    routes = _Routes(studio)
    clip, result = "/api/clips/{clip}", "/api/clips/{clip}/results/{result}"
    table: list[tuple[str, Callable, str]] = [
        ("/", routes.index, "GET"),
        ("/page/{name}", routes.page, "GET"),
        ("/api/clips", routes.clips, "GET"),
        ("/api/clips", routes.upload, "POST"),
        (clip, routes.clip, "GET"),
        (f"{clip}/project", routes.put_project, "PUT"),
        (f"{clip}/media", routes.media, "GET"),
        (f"{clip}/sound", routes.sound, "GET"),
        (f"{result}/sound", routes.sound, "GET"),
        (f"{clip}/peaks", routes.peaks, "GET"),
        (f"{clip}/spectrogram", routes.spectrogram, "GET"),
        (f"{clip}/landmarks", routes.landmarks, "GET"),
        (f"{clip}/preview", routes.preview, "POST"),
        (f"{clip}/find", routes.find, "POST"),
        (f"{clip}/restore", routes.restore, "POST"),
        (f"{clip}/align", routes.align, "POST"),
        (f"{clip}/say", routes.say, "POST"),
        (f"{clip}/save", routes.save, "POST"),
        (f"{clip}/labels", routes.read_labels, "POST"),
        (f"{clip}/labels", routes.write_labels, "GET"),
        ("/api/jobs/{job}", routes.job, "GET"),
        ("/api/jobs/{job}", routes.cancel, "DELETE"),
    ]
    return app_of(table)


class _Routes:
    """Those that read no body run in threads of their own."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    def _clip(self, request: Request) -> Clip:
        return self.studio.clip(request.path_params["clip"])

    def _unchanged(self, request: Request) -> Clip:
        clip = self._clip(request)
        clip.check_unchanged()
        return clip

    def index(self, request: Request) -> Response:
        return FileResponse(PAGE / "index.html", media_type="text/html")

    def page(self, request: Request) -> Response:
        return page_file(PAGE, request.path_params["name"])

    def clips(self, request: Request) -> Response:
        return JSONResponse([clip.told_short() for clip in self.studio.clips.values()])

    async def upload(self, request: Request) -> Response:
        name = shown_name(request.query_params.get("name", ""))
        folder = self.studio.folder / "dropped"
        folder.mkdir(exist_ok=True)
        # Its suffix tells FFmpeg the format of some.
        path = folder / f"{secrets.token_hex(8)}{Path(name).suffix}"
        content = await save_upload(request, path, name)
        try:
            clip = await run_in_threadpool(self.studio.open, path, name, content)
        except Exception:
            path.unlink(missing_ok=True)
            raise
        if clip.path != path:  # it was open already
            path.unlink()
        return JSONResponse(self.studio.told(clip), 201)

    def clip(self, request: Request) -> Response:
        return JSONResponse(self.studio.told(self._clip(request)))

    async def put_project(self, request: Request) -> Response:
        clip, fields = self._clip(request), await read_json(request)
        return JSONResponse({"revision": await run_in_threadpool(self.studio.put_project, clip, fields)})

    def media(self, request: Request) -> Response:
        clip = self._unchanged(request)
        path, media_type = clip.path, clip.facts.media_type
        if clip.needs_preview:
            job = self.studio.make_preview(clip)
            if job.state != "done":
                raise Refused(404, job.error or "the preview is still being made")
            path, media_type = clip.preview, "video/mp4" if clip.facts.picture else "audio/mp4"
        return ranged(request, path.stat().st_size, lambda first, stop: _bytes_of(path, first, stop), media_type)

    def sound(self, request: Request) -> Response:
        clip, result = self._unchanged(request), request.path_params.get("result") or _result(request)

        def grows_on() -> bool:
            return clip.is_growing() and not self.studio.is_closing()

        # That of a result is read once.
        clocked = clip.clocked(result)
        sound, grows = ((lambda: clocked), (lambda: False)) if result else (clip.clocked, grows_on)
        return ranged(request, wav_size(clocked), lambda first, stop: wav_bytes(sound, first, stop, grows), "audio/wav")

    def peaks(self, request: Request) -> Response:
        clip, result = self._unchanged(request), _result(request)
        start_s, end_s = number(request, "start"), number(request, "end")
        low, high = peaks(clip.clocked(result), clip.overview(result), start_s, end_s, whole(request, "n"))
        return JSONResponse({"start_s": start_s, "end_s": end_s, "low": low, "high": high}, headers=_kept(clip))

    def spectrogram(self, request: Request) -> Response:
        clip = self._unchanged(request)
        size = whole(request, "width"), whole(request, "height")
        stretch = number(request, "start"), number(request, "end")
        picture = spectrogram(clip.clocked(_result(request)), *stretch, *size)
        return Response(picture, media_type="image/png", headers=_kept(clip))

    def landmarks(self, request: Request) -> Response:
        clip = self._unchanged(request)
        found = self.studio.landmarks(clip, number(request, "start"), number(request, "end"))
        return _accepted(found) if isinstance(found, Job) else JSONResponse({"frames": found})

    def preview(self, request: Request) -> Response:
        return _accepted(self.studio.make_preview(self._unchanged(request)))

    async def find(self, request: Request) -> Response:
        clip, asked = self._unchanged(request), await read_json(request)
        kinds, sure, look = asked.get("kinds"), asked.get("sure", 0.5), asked.get("look")
        if kinds is not None and not (isinstance(kinds, list) and all(isinstance(kind, str) for kind in kinds)):
            raise Refused(400, "kinds: expected a list of names, or null")
        if not isinstance(sure, (int, float)) or isinstance(sure, bool) or not 0 <= sure <= 1:
            raise Refused(400, "sure: expected 0 to 1")
        if look is not None and not isinstance(look, bool):
            raise Refused(400, "look: expected true or false, or null")
        return _accepted(self.studio.find(clip, kinds, sure, look))

    async def restore(self, request: Request) -> Response:
        clip, asked = self._unchanged(request), await read_json(request)
        gaps, draw = asked.get("gaps"), asked.get("draw", 0)
        if gaps is not None and not (isinstance(gaps, list) and all(isinstance(g, list) and len(g) == 2 for g in gaps)):
            raise Refused(400, "gaps: expected a list of [start, end], or null")
        if type(draw) is not int:
            raise Refused(400, "draw: expected a whole number")
        return _accepted(await run_in_threadpool(self.studio.restore, clip, gaps, draw))

    async def align(self, request: Request) -> Response:
        clip, asked = self._unchanged(request), await read_json(request)
        transcript = asked.get("transcript")
        if not is_text(transcript):
            raise Refused(400, "transcript: expected text")
        return _accepted(self.studio.align(clip, transcript))

    async def say(self, request: Request) -> Response:
        clip, asked = self._unchanged(request), await read_json(request)
        wanted, keep_length, insertions = asked.get("wanted", ""), asked.get("keep_length"), asked.get("insertions", [])
        result = asked.get("result")
        if result is not None and not isinstance(result, str):
            raise Refused(400, "result: expected an id, or null for the original")
        if not is_text(wanted) or not isinstance(keep_length, bool) or not isinstance(insertions, list):
            raise Refused(400, "wanted, keep_length and insertions: expected text, true or false, and a list")
        for each in insertions:
            if not (isinstance(each, list) and len(each) == 2 and is_number(each[0]) and is_text(each[1])):
                raise Refused(400, "insertions: expected a list of [seconds, words]")
        placed = [(at_s, words) for at_s, words in insertions]
        return _accepted(self.studio.say(clip, wanted, placed, keep_length, result))

    async def save(self, request: Request) -> Response:
        clip, asked = self._unchanged(request), await read_json(request)
        result, what = asked.get("result"), asked.get("what")
        if not isinstance(result, str) or not isinstance(what, list) or not all(isinstance(each, str) for each in what):
            raise Refused(400, "result and what: expected an id, and a list of what is saved")
        return _accepted(self.studio.save(clip, result, what, clip.project.current()[0]["gaps"]))

    async def read_labels(self, request: Request) -> Response:
        clip, name = self._clip(request), shown_name(request.query_params.get("name", "labels.txt"))
        body = await read_body(request, MAX_LABELS_BYTES)
        gaps = await run_in_threadpool(read_labels, body, name, clip.facts.duration_s)
        return JSONResponse({"gaps": gaps})

    def write_labels(self, request: Request) -> Response:
        clip, format_ = self._clip(request), request.query_params.get("format", "txt")
        text = write_labels(clip.project.current()[0]["gaps"], format_, clip.facts.duration_s)
        kind = "application/json" if format_ == "json" else "text/plain"
        headers = {"Content-Disposition": f'attachment; filename="labels.{format_}"'}
        return Response(text, media_type=kind, headers=headers)

    def job(self, request: Request) -> Response:
        return JSONResponse(self.studio.jobs.get(request.path_params["job"]).told())

    def cancel(self, request: Request) -> Response:
        return JSONResponse(self.studio.jobs.cancel(request.path_params["job"]).told())


def _accepted(job: Job) -> Response:
    return JSONResponse({"job": job.id}, 202)


def _kept(clip: Clip) -> dict[str, str]:
    """What no more changes may be kept by the browser."""
    return {} if clip.is_growing() else {"Cache-Control": "private, max-age=3600"}


def _result(request: Request) -> str:
    return request.query_params.get("result", "")


def _bytes_of(path: Path, first: int, stop: int) -> bytes:
    with path.open("rb") as file:
        file.seek(first)
        return file.read(stop - first)
