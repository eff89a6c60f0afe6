"""What ids of utterances say: ``s04_bbaf2n`` is of speaker s04, ``s04_bbaf2n-v3`` the same face in another voice."""

from __future__ import annotations

import re


def speaker_in(id_: str) -> str:
    """The speaker whom an id names."""
    return id_.split("_", 1)[0]


def id_in_voice(id_: str, number: int) -> str:
    """That of the copy of a recording in another voice, counted from 1."""
    return f"{id_}-v{number}"


def recording_in(id_: str) -> str:
    """The id of the recording as it was made, whichever voice it is in."""
    return re.sub(r"-v\d+$", "", id_)
