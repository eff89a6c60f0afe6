"""Text files that other programs wrote, in whatever encoding they chose."""

import codecs
from pathlib import Path

from ..errors import DataError

MAX_ACCENTED = 0.2  # of the letters of a text in Latin letters; a text in others, read as Windows-1252, has more


def read_any_text(path: str | Path) -> str:
    """The text of a file in UTF-8, UTF-16 with a byte order mark, or Windows-1252 with few accented letters.

    Raises:
        DataError: no such file, or none of these.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    data = path.read_bytes()
    wanted = "expected text in UTF-8; save it as such"
    try:
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            text = data.decode("utf-16")
        else:
            text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = data.decode("cp1252")
        except UnicodeDecodeError:
            text = "\0"
        letters = [character for character in text if character.isalpha()]
        if sum(not letter.isascii() for letter in letters) > MAX_ACCENTED * len(letters):
            raise DataError(f"{path}: its encoding is not known; {wanted}") from None
    if data.startswith(b"%PDF") or any(character < " " and not character.isspace() for character in text):
        raise DataError(f"{path}: not a text file; {wanted}")
    return text
