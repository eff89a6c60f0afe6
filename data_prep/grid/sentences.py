"""GRID's grammar: its sentences, and the file names that spell them."""

import itertools
import re

COMMANDS = {"b": "bin", "l": "lay", "p": "place", "s": "set"}
COLOURS = {"b": "blue", "g": "green", "r": "red", "w": "white"}
PREPOSITIONS = {"a": "at", "b": "by", "i": "in", "w": "with"}
DIGITS = dict(
    zip("z123456789", ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"], strict=True)
)
ADVERBS = {"a": "again", "n": "now", "p": "please", "s": "soon"}
STEM = re.compile(r"[blps][bgrw][abiw][a-vx-z][1-9z][anps]")


def all_stems() -> list[str]:
    """The file names of the 64,000 sentences that GRID's grammar allows; it has no letter w."""
    letters = "abcdefghijklmnopqrstuvxyz"
    return ["".join(parts) for parts in itertools.product(COMMANDS, COLOURS, PREPOSITIONS, letters, DIGITS, ADVERBS)]


def sentence(stem: str) -> tuple[str, ...]:
    """The six words that a GRID file name spells: ``bbaf2n`` is bin blue at f two now."""
    tables = (COMMANDS, COLOURS, PREPOSITIONS, {letter: letter for letter in stem[3]}, DIGITS, ADVERBS)
    return tuple(table[letter] for table, letter in zip(tables, stem, strict=True))
