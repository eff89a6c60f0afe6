"""JSON of an evaluation's folder, checked for what programs write."""

import json
from pathlib import Path

from avsi.errors import DataError

_CALLED = {str: "a text", dict: "values by name", list: "a list", None: "a value"}
# The keys of earlier versions, whose files are still read.
_RENAMED = {
    "speakers_met": "seen_speakers",
    "utterances_met": "seen_utterances",
    "judge": "recognizer",
    "keywords_judge": "keywords_recognizer",
    "heard": "recognized",
}


def read_json(path: Path) -> object:
    try:
        return json.loads(path.read_text("utf-8"))
    except ValueError as error:  # of another encoding, too
        raise DataError(f"{path}: not a JSON file ({error})") from error


def with_current_keys(values: dict) -> dict:
    """The same values, those under a key of an earlier version under its name of today."""
    return {_RENAMED.get(key, key): value for key, value in values.items()}


def check_types(place: object, values: object, types: dict[str, type | None], remedy: str = "") -> None:
    """Raise DataError, naming the key, unless there are values of these types by key; None: of any type."""
    if not isinstance(values, dict):
        raise DataError(f"{place}: expected values by name, found {str(values)[:40]}{remedy and '; ' + remedy}")
    for key, kind in types.items():
        if key not in values or not isinstance(values[key], kind or object):
            found = str(values[key])[:40] if key in values else "nothing"
            expected = _CALLED[kind]
            raise DataError(f"{place}: {key}: expected {expected}, found {found}{remedy and '; ' + remedy}")
