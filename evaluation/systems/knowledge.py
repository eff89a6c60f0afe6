"""What a model is told of an utterance beside its sound: the face, and what is said, as far as a system's name asks."""

from functools import lru_cache
from pathlib import Path

import numpy as np

from avsi.data.datadir import Timed, Utterance
from avsi.data.gaps import Gap
from avsi.data.phones import Lexicon
from avsi.errors import ConfigError, DataError
from avsi.files import digest
from avsi.models.aligner import PhoneAligner
from avsi.models.store import LEXICON, WEIGHTS, find_model
from avsi.pretrained import ALIGNER, DURATIONS
from avsi.pretrained import REFINER as PRETRAINED_REFINER
from avsi.restoring.aligning import align_excerpt, load_aligner
from avsi.rng import generator
from avsi.video.tracks import Tracks

from ..folder.layout import STFT
from ..folder.signals import Spans

# What may follow a model's name after a colon each.
WORDS, TIMES, WRONG, NO_FACE = "words", "times", "wrong-word", "no-face"
REFINED = "refined"  # what it restores is refined by another model
TELLS = {
    WORDS: "the words, which an aligner finds",
    TIMES: "the words with their times",
    WRONG: "the words, of which one in a gap is another",
    NO_FACE: "no face",
    REFINED: "refined",
}


def split_knowledge(spec: str) -> tuple[str, tuple[str, ...]]:
    """The model of a system, and what it is told: ("exp/text", ("no-face", "words")) of "exp/text:words:no-face".
    ``words=FOLDER`` names the aligner, ``refined=FOLDER`` the refiner.
    """
    model, *told = spec.split(":")
    if not told or not {each.partition("=")[0] for each in told} <= set(TELLS):
        return spec, ()
    return model, tuple(sorted(set(told)))


def tell(told: tuple[str, ...]) -> str:
    """What a model is told of what is said, for readers."""
    kinds = [each.partition("=")[0] for each in told]
    return ", ".join(TELLS[kind] for kind in kinds if kind not in (NO_FACE, REFINED)) or "nothing"


class Knowledge:
    """What a model is told."""

    def __init__(self, told: tuple[str, ...], model: Path) -> None:
        """Args:
        told: as of :func:`split_knowledge`.
        model: its folder, whose lexicon has the pronunciations.

        Attributes:
            refiner: the model that refines what is restored; None where none does.
        """
        named = dict(each.partition("=")[::2] for each in told)
        self._told, self._model = set(named), model
        self.refiner = named[REFINED] or PRETRAINED_REFINER if REFINED in named else None
        self._aligner_name = named.get(WORDS) or named.get(WRONG) or ALIGNER

    @property
    def hides_face(self) -> bool:
        return NO_FACE in self._told

    def check(self, takes_text: bool) -> None:
        """Raise ConfigError, ModelError or DataError where the model cannot be told that."""
        words = self._told - {NO_FACE, REFINED}
        if len(words) > 1:
            raise ConfigError(f"{self._model}: is told {' and '.join(sorted(words))}; expected one of them")
        if words and not takes_text:
            raise ConfigError(f"{self._model}: does not take what is said, so it cannot be told {words.pop()}")
        if words & {WORDS, WRONG}:
            if _load_aligner(self._aligner_name).config.stft != STFT:
                raise ConfigError(
                    f"{self._aligner_name}: works on another spectrogram (stft) than scores are measured on"
                )
            _read_lexicon(self._model)

    def state(self) -> dict[str, str]:
        """What else than the model decides what it is told."""
        aligned = {WORDS, WRONG} & self._told
        models = {"aligner": self._aligner_name, "durations": DURATIONS} if aligned else {}
        models |= {"refiner": self.refiner} if self.refiner else {}
        digests = {kind: digest(find_model(name) / WEIGHTS) for kind, name in models.items()}
        return ({"told": " ".join(sorted(self._told))} if self._told else {}) | digests

    def phones(
        self, samples: np.ndarray, spans: Spans, utterance: Utterance, tracks: Tracks | None
    ) -> list[Timed] | None:
        """The phones of an utterance; None where they are not told.

        Args:
            samples: shape (n_samples,); what they hold inside the gaps is not looked at.

        Raises:
            DataError: an utterance without words, or without times where they are to be told.
        """
        if TIMES in self._told:
            if not utterance.phones:
                raise DataError(f"{utterance.id}: has no times of phones; run data_prep.align")
            return list(utterance.phones)
        if not {WORDS, WRONG} & self._told:
            return None
        words = [[phones] for phones in _read_lexicon(self._model).in_words(utterance)]
        if WRONG in self._told:
            self._replace_one(words, spans, utterance)
        aligner = _load_aligner(self._aligner_name)
        return align_excerpt(aligner, samples, STFT.sample_rate, words, spans, tracks).aligned.timed_phones(aligner)

    def _replace_one(self, words: list[list[tuple[str, ...]]], spans: Spans, utterance: Utterance) -> None:
        """Put another word of the lexicon, of as many phones, in the place of the one deepest in a gap."""
        if not utterance.words_have_times:
            raise DataError(f"{utterance.id}: has no times of its words (align), so none can be chosen to be wrong")
        place = word_deepest_in_gaps(
            utterance, [Gap(start / STFT.sample_rate, stop / STFT.sample_rate) for start, stop in spans]
        )
        right = words[place][0]
        others = sorted(
            {p for p in _read_lexicon(self._model).pronunciations.values() if len(p) == len(right) and p != right}
        )
        if others:
            words[place] = [others[int(generator(0, "wrong word", utterance.id).integers(len(others)))]]


def word_deepest_in_gaps(utterance: Utterance, gaps: list[Gap]) -> int:
    """The place of the word of which the largest share lies in one of the gaps."""
    shares = [
        max(min(start_s + length_s, gap.end_s) - max(start_s, gap.start_s) for gap in gaps) / max(length_s, 1e-3)
        for start_s, length_s, _ in utterance.alignment
    ]
    return int(np.argmax(shares))


@lru_cache(maxsize=1)
def _read_lexicon(model: Path) -> Lexicon:
    return Lexicon.read(model / LEXICON)


@lru_cache(maxsize=1)
def _load_aligner(name: str) -> PhoneAligner:
    return load_aligner(name, "cpu")
