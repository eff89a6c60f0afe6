"""What the server answers to a request that it does not carry out."""

from __future__ import annotations


class Refused(Exception):
    """A request that is not carried out: its status, one clear line, and what else the page is told."""

    def __init__(self, status: int, error: str, **more: object) -> None:
        super().__init__(error)
        self.status = status
        self.content = {"error": error, **more}
