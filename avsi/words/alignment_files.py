"""Alignments in files: JSON with all that is known, Praat's TextGrid, Audacity's label track."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..errors import DataError
from ..files import write_text
from .alignment import AlignedWord, Alignment, Phone
from .text_files import read_any_text
from .textgrid import Interval, filled, parse_textgrid, textgrid_text

FORMAT = "avsi alignment"  # what a JSON file of ours says it is
WORDS, PHONES = "words", "phones"
SILENCES = ("", "sil", "sp", "<eps>")  # what a TextGrid may have in a silence; that of ours is empty


def write_alignment(path: str | Path, alignment: Alignment) -> None:
    """Write an alignment in the format that the suffix names.

    ``.json`` holds everything. ``.TextGrid`` has the tiers "words" and "phones" without confidence, ``.txt`` the words
    alone, as a label track of Audacity (start, end, word, separated by tabs); both to the microsecond.

    Raises:
        DataError: another suffix, or a folder that does not exist.
    """
    write, _ = _format(path)
    write_text(path, write(alignment))


def read_alignment(path: str | Path) -> Alignment:
    """Read an alignment as :func:`write_alignment` or another program writes it. What a format lacks is None or empty;
    a label track ends with its last word.

    Raises:
        DataError: no such file, another suffix, a damaged file, or times that cannot be.
    """
    _, read = _format(path)
    text = read_any_text(path)
    try:
        return read(text)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def check_alignment_path(path: str | Path) -> None:
    """Refuse, before any work, a file that :func:`write_alignment` cannot write: its suffix or its folder."""
    _format(path)
    if not Path(path).parent.is_dir():
        raise DataError(f"{path}: the folder {Path(path).parent} does not exist")
    if Path(path).is_dir():
        raise DataError(f"{path}: is a folder; expected a file to write")


def _format(path: str | Path) -> tuple[Callable[[Alignment], str], Callable[[str], Alignment]]:
    suffix = Path(path).suffix
    if suffix.lower() not in FORMATS:
        raise DataError(f"{path}: unknown kind of alignment '{suffix}'; expected .json, .TextGrid or .txt")
    return FORMATS[suffix.lower()]


def _to_json(alignment: Alignment) -> str:
    content = _rounded({"format": FORMAT, **asdict(alignment)})
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _rounded(content: Any) -> Any:
    """Times to the microsecond, without the noise of floats."""
    if isinstance(content, dict):
        return {name: _rounded(value) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [_rounded(value) for value in content]
    return round(content, 6) if isinstance(content, float) else content


def _from_json(text: str) -> Alignment:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise DataError(f"not a JSON file ({error})") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise DataError(f"not an alignment; expected the format '{FORMAT}'")
    words = []
    for number, word in enumerate(_value(found, "words", list, "the alignment"), start=1):
        where = f"word {number}"
        phones = [
            Phone(_value(phone, "label", str, f"phone {index} of {where}"), *_times(phone, f"phone {index} of {where}"))
            for index, phone in enumerate(_value(word, "phones", list, where), start=1)
        ]
        words.append(AlignedWord(_value(word, "text", str, where), *_times(word, where), tuple(phones)))
    return Alignment(tuple(words), _value(found, "duration_s", float, "the alignment"))


def _times(found: Any, where: str) -> tuple[float, float, float | None]:
    start_s, end_s = (_value(found, name, float, where) for name in ("start_s", "end_s"))
    unknown = found.get("confidence") is None
    return start_s, end_s, None if unknown else _value(found, "confidence", float, where)


def _value(found: Any, name: str, kind: type, where: str) -> Any:
    """A value of an object in JSON; a whole number is a float, too."""
    value = found.get(name) if isinstance(found, dict) else None
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, kind):
        expected = {list: "a list", str: "a text", float: "a number"}[kind]
        raise DataError(f"{where}: expected {expected} as '{name}', found {json.dumps(value)[:40]}")
    return value


def _to_textgrid(alignment: Alignment) -> str:
    tiers = {
        WORDS: [Interval(word.start_s, word.end_s, word.text) for word in alignment.words],
        PHONES: [Interval(phone.start_s, phone.end_s, phone.label) for phone in alignment.phones],
    }
    whole = {name: filled(intervals, alignment.duration_s) for name, intervals in tiers.items()}
    return textgrid_text(whole, alignment.duration_s)


def _from_textgrid(text: str) -> Alignment:
    tiers, duration_s = parse_textgrid(text)
    if WORDS not in tiers:
        raise DataError(f"has no tier '{WORDS}', but {', '.join(tiers) or 'none'}")
    said = {
        name: [interval for interval in tiers.get(name, []) if interval.text.strip().lower() not in SILENCES]
        for name in (WORDS, PHONES)
    }
    phones: list[list[Phone]] = [[] for _ in said[WORDS]]
    index = 0
    for phone in said[PHONES]:
        middle_s = (phone.start_s + phone.end_s) / 2
        while index < len(phones) and said[WORDS][index].end_s <= middle_s:
            index += 1
        if index == len(phones) or middle_s < said[WORDS][index].start_s:
            raise DataError(f"the phone {phone.text} from {phone.start_s:g} to {phone.end_s:g} s belongs to no word")
        phones[index].append(Phone(phone.text.rstrip("012"), phone.start_s, phone.end_s))
    words = [
        AlignedWord(word.text, word.start_s, word.end_s, None, tuple(of_word))
        for word, of_word in zip(said[WORDS], phones, strict=True)
    ]
    return Alignment(tuple(words), duration_s)


def _to_labels(alignment: Alignment) -> str:
    return "".join(f"{word.start_s:.6f}\t{word.end_s:.6f}\t{' '.join(word.text.split())}\n" for word in alignment.words)


def _from_labels(text: str) -> Alignment:
    words = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("\\"):  # Audacity notes the frequencies of a label in such lines
            continue
        start, _, rest = line.partition("\t")
        end, tab, label = rest.partition("\t")
        try:
            times = (float(start), float(end))
        except ValueError:
            tab = ""
        if not tab:
            raise DataError(f"line {number}: expected start, end and word, separated by tabs, found '{line[:60]}'")
        words.append(AlignedWord(label.strip(), *times))
    if not words:
        raise DataError("holds no labels; expected lines of start, end and word, separated by tabs")
    return Alignment(tuple(words), words[-1].end_s)


FORMATS: dict[str, tuple[Callable[[Alignment], str], Callable[[str], Alignment]]] = {
    ".json": (_to_json, _from_json),
    ".textgrid": (_to_textgrid, _from_textgrid),
    ".txt": (_to_labels, _from_labels),
}
