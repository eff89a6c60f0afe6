"""What was said, from a text or a file, and the words as they are spoken."""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from ..errors import DataError
from .captions import Caption, parse_captions, said_in_text
from .pieces import INVISIBLE, NotLatin, Reader, places, plain
from .text_files import read_any_text

CAPTION_FILES, TEXT_FILES = (".srt", ".vtt"), (".txt",)
# A text without spaces that ends like this is the name of a file.
OTHER_FILES = (
    *(".ass", ".csv", ".doc", ".docx", ".eaf", ".htm", ".html", ".json", ".lab", ".log", ".lrc", ".md", ".odt", ".pdf"),
    *(".rtf", ".sbv", ".sub", ".text", ".textgrid", ".trs", ".ttml", ".tsv", ".xml"),
    *(".avi", ".flac", ".m4a", ".mkv", ".mov", ".mp3", ".mp4", ".mpg", ".ogg", ".opus", ".wav", ".webm"),
)
EXPECTED = "expected the words that are said, or a file of them (.txt, .srt, .vtt)"
MAX_PATH = 1000  # characters of a file's name; a longer text is a text
NAMED, MAX_NAME = 10, 30  # words in an error, and the characters of one


@dataclass(frozen=True)
class Word:
    """A word of a transcript.

    Attributes:
        written: as in the transcript, without the punctuation around it, such as "2", "Dr.", "&", "don't".
        spoken: one or more words in lower case, as the CMU dictionary has them.
    """

    written: str
    spoken: tuple[str, ...]


def read_transcript(text_or_file: str, name: str = "the transcript") -> list[Caption]:
    """What is said: one piece without times of a text or a .txt file, or the captions of an .srt or .vtt file.

    Tags, notes such as [MUSIC] and (laughs), and captions without a word are left out.

    Args:
        name: what messages call a text that is no file.

    Raises:
        DataError: no such file, a folder, a file of another kind or one that cannot be read, or no word.
    """
    suffix = _file_suffix(text_or_file)
    if suffix is None:
        captions, where = [Caption(said_in_text(text_or_file))], name
    else:
        where = text_or_file
        text = read_any_text(text_or_file)
        try:
            captions = parse_captions(text) if suffix in CAPTION_FILES else [Caption(said_in_text(text))]
        except DataError as error:
            raise DataError(f"{where}: {error}") from error
    captions = [caption for caption in captions if holds_word(caption.text)]
    if not captions:
        raise DataError(f"{where}: holds no word; {EXPECTED}")
    return captions


def spoken_words(text: str, own: Collection[str] = ()) -> list[Word]:
    """The words of a text, with numbers, abbreviations and symbols as they are spoken in American English.

    A hyphenated word is one where the dictionary has it, and its parts elsewhere.

    Args:
        own: words in lower case that are taken as they are, since the user says how they are pronounced.

    Raises:
        DataError: no word, words that are not in Latin letters, or a package that is not installed.
    """
    text = unicodedata.normalize("NFC", INVISIBLE.sub("", text))
    simple = plain(text)
    reader = Reader(own, shouted=simple.upper() == simple)
    words, foreign = [], []
    for start, end in places(simple):
        try:
            spoken, end = reader.read(simple, start, end)
        except NotLatin:
            foreign.append(text[start:end][:MAX_NAME])
        else:
            words.append(Word(text[start:end], spoken))
    if foreign:
        more = f", and {len(foreign) - NAMED} more" if len(foreign) > NAMED else ""
        raise DataError(
            f"the transcript holds what is not English: {', '.join(foreign[:NAMED])}{more}; "
            "expected words in Latin letters, as they are spoken"
        )
    if not words:
        raise DataError(f"the transcript: holds no word; {EXPECTED}")
    return words


def holds_word(text: str) -> bool:
    return next(places(plain(text)), None) is not None


def _file_suffix(text: str) -> str | None:
    """The suffix, in lower case, of a file that the text names; None of a text that names none.

    Raises:
        DataError: a folder, no such file, or one of another kind.
    """
    if "\n" in text or len(text) > MAX_PATH:
        return None
    path, suffix = Path(text), Path(text).suffix.lower()
    try:
        is_file, is_folder = path.is_file(), path.is_dir()
    except OSError:  # such as a name that is too long
        return None
    if text.strip() and is_folder:
        raise DataError(f"{text}: is a folder; {EXPECTED}")
    if suffix in (*CAPTION_FILES, *TEXT_FILES):
        if not is_file:
            raise DataError(f"{text}: no such file; {EXPECTED}")
        return suffix
    one_piece = not re.search(r"\s", text)
    if is_file or (suffix in OTHER_FILES and one_piece):
        what = "not a file of words that can be read" if is_file else "no such file, nor one of words"
        raise DataError(f"{text}: {what}; {EXPECTED}")
    if one_piece and _is_path(text):
        raise DataError(f"{text}: no such file; {EXPECTED}")
    return None


def names_file(text: str) -> bool:
    """Whether a text looks like the name of a file, there or not, and not like words."""
    suffixes = (*CAPTION_FILES, *TEXT_FILES, *OTHER_FILES)
    return not re.search(r"\s", text) and (Path(text).suffix.lower() in suffixes or _is_path(text))


def _is_path(text: str) -> bool:
    """Whether a text is that of a path, as "./talk", and no words, as "and/or"."""
    return text.startswith(("/", "./", "../", "~/")) or ("/" in text and Path(text).parent.is_dir())
