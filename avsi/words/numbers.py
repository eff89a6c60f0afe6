"""How numbers are read in American English: amounts, times of day, years, ordinals, fractions."""

import re
from collections.abc import Callable, Iterable

from ..errors import DataError
from .pronouncing import INSTALL

Spoken = list[str]

NUMBER = r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?|\.[0-9]+"
SCALES = {"k": "thousand", "m": "million", "bn": "billion", "b": "billion"}
SCALE_WORDS = ("thousand", "million", "billion", "trillion")
# One of them, several, a hundredth, several hundredths.
CURRENCIES = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "€": ("euro", "euros", "cent", "cents"),
    "¥": ("yen", "yen", "sen", "sen"),
}
UNITS = {
    "%": ("percent", "percent"),
    "°": ("degree", "degrees"),
    "°c": ("degree celsius", "degrees celsius"),
    "°f": ("degree fahrenheit", "degrees fahrenheit"),
    "mm": ("millimeter", "millimeters"),
    "cm": ("centimeter", "centimeters"),
    "m": ("meter", "meters"),
    "km": ("kilometer", "kilometers"),
    "ft": ("foot", "feet"),
    "kg": ("kilogram", "kilograms"),
    "g": ("gram", "grams"),
    "mg": ("milligram", "milligrams"),
    "lb": ("pound", "pounds"),
    "lbs": ("pound", "pounds"),
    "oz": ("ounce", "ounces"),
    "mph": ("mile per hour", "miles per hour"),
    "hz": ("hertz", "hertz"),
    "khz": ("kilohertz", "kilohertz"),
    "ms": ("millisecond", "milliseconds"),
    "k": ("thousand", "thousand"),
}
# fmt: off
FRACTIONS = {
    "½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4", "⅕": "1/5", "⅖": "2/5", "⅗": "3/5", "⅘": "4/5",
    "⅛": "1/8", "⅜": "3/8", "⅝": "5/8", "⅞": "7/8",
}
# fmt: on
HOLDS_DIGIT = re.compile(f"[0-9{''.join(FRACTIONS)}]")
PARTS = {2: ("half", "halves"), 3: ("third", "thirds"), 4: ("quarter", "quarters"), 5: ("fifth", "fifths")}
PARTS |= {8: ("eighth", "eighths"), 10: ("tenth", "tenths")}
DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
MAX_DIGITS = 15  # a longer number is read digit by digit


def read_number(text: str) -> Spoken | None:
    """The words of a number as it is written, such as "$3.50", "5:30pm", "1,234th", "1990s", "50%"; None of others.

    Args:
        text: with hyphens as its only dashes.

    Raises:
        DataError: the package num2words is not installed.
    """
    if not HOLDS_DIGIT.search(text):
        return None
    for pattern, read in READINGS:
        if match := pattern.fullmatch(text.lower()):
            return read(*match.groups())
    return None


def cardinal(digits: str) -> Spoken:
    """Digits as one number, or one by one where they start with 0 or are very many."""
    if len(digits) > MAX_DIGITS or (len(digits) > 1 and digits[0] == "0"):
        return [DIGITS[int(digit)] for digit in digits]
    return _spelled(int(digits), "cardinal")


def _spelled(number: int, form: str) -> Spoken:
    try:
        from num2words import num2words
    except ImportError as error:
        raise DataError(f"the package num2words is not installed, which reads numbers; run {INSTALL}") from error
    # American English has no "and" in numbers.
    return [word for word in re.split(r"[\s,-]+", num2words(number, lang="en", to=form)) if word != "and"]


def _plain(text: str) -> Spoken:
    """A number without a sign. Four digits are read as a year where they can be one."""
    whole, point, decimals = text.partition(".")
    if re.fullmatch("1[1-9][0-9]{2}|20[1-9][0-9]", text):
        return _spelled(int(text), "year")
    said = cardinal(whole.replace(",", "")) if whole else []
    return [*said, "point", *(DIGITS[int(digit)] for digit in decimals)] if point else said


def _signed(sign: str | None, number: str) -> Spoken:
    return [*({"-": ["minus"], "+": ["plus"], "#": ["number"]}.get(sign or "", [])), *_plain(number)]


def _money(sign: str | None, currency: str, number: str, scale: str | None) -> Spoken:
    one, several, cent, cents = CURRENCIES[currency]
    whole, _, decimals = number.partition(".")
    minus = ["minus"] if sign else []
    if scale:
        return [*minus, *_plain(number), SCALES.get(scale, scale), several]
    if len(decimals) not in (0, 2):
        return [*minus, *_plain(number), several]
    digits = whole.replace(",", "")
    main = [*cardinal(digits), one if digits == "1" else several] if int(digits or 0) or not int(decimals or 0) else []
    small = [*cardinal(str(int(decimals))), cent if int(decimals) == 1 else cents] if int(decimals or 0) else []
    return [*minus, *main, *(["and"] if main and small else []), *small]


def _unit(sign: str | None, number: str, unit: str) -> Spoken:
    one, several = UNITS[unit]
    return [*_signed(sign, number), *(one if number == "1" else several).split()]


def _time(hour: str, minute: str | None, second: str | None, half: str | None) -> Spoken:
    said = cardinal(str(int(hour)))
    for part in (minute, second):
        if part and (int(part) or second):
            said += ["oh", DIGITS[int(part)]] if part[0] == "0" else cardinal(part)
    if half:
        return [*said, f"{half}.m."]
    return [*said, "o'clock"] if minute and not int(minute) and not second and 1 <= int(hour) <= 12 else said


def _ordinal(number: str, _: str) -> Spoken:
    return _spelled(int(number.replace(",", "")), "ordinal")


def _plural(number: str) -> Spoken:
    """Such as "1990s" and "90s"."""
    *first, last = _plain(number)
    return [*first, f"{last[:-1]}ies" if last.endswith("y") else f"{last}es" if last == "six" else f"{last}s"]


def _fraction(whole: str | None, top: str, bottom: str) -> Spoken:
    names = PARTS.get(int(bottom))
    said = cardinal(whole) if whole else []
    if names is None or int(top) >= int(bottom):
        return [*said, *cardinal(top), *cardinal(bottom)]
    return [*said, *(["and"] if whole else []), *cardinal(top), names[int(top) > 1]]


def _sign_of_fraction(whole: str | None, sign: str) -> Spoken:
    return _fraction(whole, *FRACTIONS[sign].split("/"))


def _digits(text: str) -> Spoken:
    return [DIGITS[int(digit)] for digit in text if digit.isdecimal()]


def _joined(text: str) -> Spoken:
    """Such as "10-20" and "3:1": one number to another. Three and more follow each other."""
    numbers = [_plain(number) for number in re.split("[-:]", text)]
    between = ["to"] if len(numbers) == 2 else []
    return numbers[0] + [word for number in numbers[1:] for word in (*between, *number)]


def _money_range(currency: str, numbers: str) -> Spoken:
    return [*_joined(re.sub("[$£€¥]", "", numbers)), CURRENCIES[currency][1]]


def _dotted(text: str) -> Spoken:
    first, *others = (cardinal(number) for number in text.split("."))
    return first + [word for number in others for word in ("point", *number)]


def _any_of(texts: Iterable[str]) -> str:
    return "|".join(sorted(map(re.escape, texts), key=len, reverse=True))


# How numbers are written, in the order in which the forms are tried, and what reads the groups of each.
READINGS: tuple[tuple[re.Pattern[str], Callable[..., Spoken]], ...] = tuple(
    (re.compile(pattern), read)
    for pattern, read in (
        (rf"([-+#])?({NUMBER})", _signed),
        (rf"(-)?([$£€¥])({NUMBER})\s?({_any_of((*SCALES, *SCALE_WORDS))})?", _money),
        (rf"([-+])?({NUMBER})\s?({_any_of(UNITS)})", _unit),
        (r"([0-9]{1,2})(?::([0-9]{2}))?(?::([0-9]{2}))?\s?(?:([ap])\.?m\.?)", _time),
        (r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?()", _time),
        (r"([0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,15})(st|nd|rd|th)", _ordinal),
        (r"'?([0-9]+)'?s", _plural),
        (r"()([0-9]{1,15})/([0-9]{1,15})", _fraction),
        (rf"([0-9]+)?([{''.join(FRACTIONS)}])", _sign_of_fraction),
        (r"((?:\+?[0-9]{1,3}[-.])?(?:[0-9]{3}[-.])?[0-9]{3}[-.][0-9]{4})", _digits),  # of a telephone
        (rf"((?:{NUMBER})(?:[-:](?:{NUMBER}))+)", _joined),
        (rf"([$£€¥])((?:{NUMBER})-[$£€¥]?(?:{NUMBER}))", _money_range),
        (r"([0-9]+(?:\.[0-9]+){2,})", _dotted),
        (r"'([0-9]{2})", cardinal),  # '99
    )
)
