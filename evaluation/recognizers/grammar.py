"""Sentences of fixed form, such as GRID's, read from a grammar in JSGF."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from avsi.errors import ConfigError, DataError
from avsi.files import read_lines

COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
RULE = re.compile(r"(public )?<(\w+)> ?= ?(.+)")


@dataclass(frozen=True)
class Grammar:
    """Sentences that have one word in each of several places.

    Attributes:
        path: where it was read.
        places: the words that may stand in each place, by the name of its rule, in the order of the sentence.
    """

    path: str
    places: dict[str, tuple[str, ...]]

    @classmethod
    def read(cls, path: str | Path) -> Grammar:
        """Read of JSGF what such sentences need: ``public <sentence> = <colour> <letter>;`` and ``<colour> = blue |
        red;``, and comments.

        Raises:
            DataError: no such file, or a grammar of another form, naming the rule.
        """
        if not Path(path).is_file():
            raise DataError(f"{path}: no such grammar")
        rules, sentences = {}, []
        for statement in COMMENT.sub(" ", "\n".join(read_lines(path))).split(";"):
            statement = " ".join(statement.split())
            if not statement or statement.startswith(("#JSGF ", "grammar ")):
                continue
            rule = RULE.fullmatch(statement)
            if not rule:
                raise DataError(f"{path}: expected '<rule> = ...;', found '{statement}'")
            public, name, expansion = rule.groups()
            rules[name] = expansion
            if public:
                sentences.append(expansion)
        if len(sentences) != 1 or not re.fullmatch(r"(<\w+> ?)+", sentences[0]):
            found = ", ".join(f"'{sentence}'" for sentence in sentences) or "none"
            raise DataError(f"{path}: expected one public rule, of the form '<first> <second> ...'; found {found}")
        places: dict[str, tuple[str, ...]] = {}
        for name in re.findall(r"\w+", sentences[0]):
            if name not in rules:
                raise DataError(f"{path}: its sentence has <{name}>, but there is no such rule")
            if name in places:
                raise DataError(f"{path}: its sentence has <{name}> twice; each place needs a rule of its own")
            places[name] = tuple(word.strip() for word in rules[name].split("|"))
            if not all(re.fullmatch(r"[\w'.-]+", word) for word in places[name]):
                raise DataError(f"{path}: <{name}>: expected 'word | word ...', found '{rules[name]}'")
        return cls(str(path), places)

    @property
    def words(self) -> set[str]:
        return {word for words in self.places.values() for word in words}

    def check_places(self, names: Iterable[str]) -> None:
        """Raise ConfigError for a name that no place has."""
        for name in names:
            if name not in self.places:
                raise ConfigError(f"{self.path}: no place '{name}' in its sentence, but {', '.join(self.places)}")

    def parse(self, words: Sequence[str]) -> dict[str, str]:
        """The word in each place. Raises DataError for words that are no sentence of the grammar."""
        allowed = self.places.values()
        if len(words) != len(allowed) or any(word not in of for word, of in zip(words, allowed, strict=True)):
            example = " ".join(of[0] for of in allowed)
            raise DataError(f"'{' '.join(words)}' is no sentence of {self.path}, such as '{example}'")
        return dict(zip(self.places, words, strict=True))
