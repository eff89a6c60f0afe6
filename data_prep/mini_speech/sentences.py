"""Free sentences: a small grammar of English, whose words are drawn at random."""

import numpy as np

from .words import (
    ANIMALS,
    BEING,
    DOING,
    JOINING,
    MANNERS,
    PEOPLE,
    PLACES,
    QUALITIES,
    SUBJECTS,
    THINGS,
    TIMES,
    WHERE,
    WHOSE,
    WILLING,
)

MIN_WORDS, MAX_WORDS = 4, 12  # 1 to 6 seconds
PLAIN, PAST = 0, 1  # the forms of a verb


def draw_sentence(rng: np.random.Generator) -> tuple[str, ...]:
    """The words, in lower case, of a statement, a question, a request, or two statements in one."""
    while True:
        words = tuple(_sentence(rng).lower().split())
        if MIN_WORDS <= len(words) <= MAX_WORDS:
            return words


def _sentence(rng: np.random.Generator) -> str:
    kind = rng.choice(("statement", "question", "request", "two"), p=(0.6, 0.12, 0.13, 0.15))
    if kind == "question":
        return f"{rng.choice(('did', 'why did', 'when did'))} {_somebody(rng)} {_deed(rng, PLAIN)}"
    if kind == "request":
        return f"please {_deed(rng, PLAIN)}"
    if kind == "two":
        return f"{_statement(rng)} {rng.choice(JOINING)} {_somebody(rng)} {_deed(rng, PAST)}"
    return _statement(rng)


def _statement(rng: np.random.Generator) -> str:
    first = f"{rng.choice(TIMES)} " if rng.random() < 0.15 else ""
    last = f" {rng.choice(TIMES)}" if not first and rng.random() < 0.25 else ""
    deed = _deed(rng, PAST) if rng.random() < 0.7 else f"{rng.choice(WILLING)} {_deed(rng, PLAIN)}"
    return f"{first}{_somebody(rng)} {deed}{last}"


def _somebody(rng: np.random.Generator) -> str:
    if rng.random() < 0.4:
        return str(rng.choice(SUBJECTS))
    return _described(rng, PEOPLE if rng.random() < 0.75 else ANIMALS)


def _deed(rng: np.random.Generator, form: int) -> str:
    """A verb in a form, with what it is done to, where, and how."""
    if rng.random() < 0.65:
        verb = DOING[rng.integers(len(DOING))][form]
        parts = [verb, _described(rng, THINGS if rng.random() < 0.75 else PEOPLE + ANIMALS)]
    else:
        parts = [BEING[rng.integers(len(BEING))][form]]
    if rng.random() < 0.35:
        parts.append(f"{rng.choice(WHERE)} {_described(rng, PLACES)}")
    if rng.random() < 0.3:
        parts.append(str(rng.choice(MANNERS)))
    return " ".join(parts)


def _described(rng: np.random.Generator, nouns: tuple[str, ...]) -> str:
    quality = f"{rng.choice(QUALITIES)} " if rng.random() < 0.45 else ""
    return f"{rng.choice(WHOSE)} {quality}{rng.choice(nouns)}"
