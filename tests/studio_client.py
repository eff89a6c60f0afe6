"""What the tests of the studio ask its server, as a browser would."""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from avsi.studio.studio import Studio

RATE, LENGTH_S = 16000, 2.5
GAP = {"start_s": 1.0, "end_s": 1.2, "kind": None, "sure": None, "seen_by": None, "channel": None, "repair": True}
PROJECT = {"gaps": [GAP], "transcript": "", "model": "a", "use_face": False, "reference": None}


@dataclass
class Page:
    """What a browser with the cookie asks of a server."""

    port: int
    cookie: str = ""
    folder: Path | None = None
    studio: Studio | None = None

    @classmethod
    def opened(cls, address: str, **more: object) -> Page:
        """As of a browser that has opened an address with its token."""
        there = cls(urlsplit(address).port, **more)
        status, headers, _ = there.ask("GET", address.removeprefix(there.origin))
        assert status == 303 and "httponly" in headers["set-cookie"].lower()
        there.cookie = headers["set-cookie"].partition(";")[0]
        return there

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, method, path, body=None, **headers):
        """(status, headers, JSON or bytes); a header of None is not sent."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"Host": f"127.0.0.1:{self.port}", "Cookie": self.cookie}
        sent |= {} if method in ("GET", "HEAD") else {"Origin": self.origin}
        sent = {name: value for name, value in (sent | headers).items() if value is not None}
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        if method not in ("GET", "HEAD") and not {"Content-Length", "Transfer-Encoding"} & set(sent):
            sent["Content-Length"] = str(len(body or b""))
        for name, value in sent.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        content, kind = answer.read(), answer.headers.get_content_type()
        connection.close()
        return answer.status, answer.headers, json.loads(content) if kind == "application/json" and content else content

    def get(self, path):
        status, _, content = self.ask("GET", path)
        assert status == 200, content
        return content

    def done(self, path, body) -> dict:
        """The result of a job."""
        status, _, answer = self.ask("POST", path, body)
        assert status == 202, answer
        return self.result(answer["job"])

    def result(self, id_: str) -> dict:
        while (job := self.get(f"/api/jobs/{id_}"))["state"] in ("waiting", "running"):
            time.sleep(0.05)
        assert job["state"] == "done", job
        return job["result"]
