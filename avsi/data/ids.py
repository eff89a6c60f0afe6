"""The parts of utterance ids: ``s04_bbaf2n`` is of speaker s04, ``s04_bbaf2n-v3`` a copy of it in another voice."""

import re


def speaker_in(id_: str) -> str:
    """The speaker in an id."""
    return id_.split("_", 1)[0]


def id_in_voice(id_: str, number: int) -> str:
    """The id of a recording's copy in another voice; copies are counted from 1."""
    return f"{id_}-v{number}"


def recording_in(id_: str) -> str:
    """The id of the original recording of an utterance, which may be a copy in another voice."""
    return re.sub(r"-v\d+$", "", id_)
