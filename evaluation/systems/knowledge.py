"""What a model is told of an utterance beside its sound: where its gaps are, the face, what is said and whose voice is
heard, as far as a system's name asks.
"""

from functools import lru_cache
from pathlib import Path

import numpy as np

from avsi.data.datadir import Timed, Utterance
from avsi.data.gaps import Gap
from avsi.data.phones import Lexicon
from avsi.errors import ConfigError, DataError
from avsi.files import digest
from avsi.models.aligner import PhoneAligner
from avsi.models.store import DESCRIPTION, LEXICON, WEIGHTS, find_model
from avsi.pretrained import ALIGNER, DURATIONS, TAGGER
from avsi.pretrained import REFINER as PRETRAINED_REFINER
from avsi.restoring.aligning import align_excerpt, load_aligner
from avsi.restoring.voices import Voice, VoiceEncoder
from avsi.rng import generator
from avsi.video.tracks import Tracks

from ..folder.layout import STFT
from ..folder.signals import Spans
from .references import read_references, voice_in

# What may follow a model's name after a colon each.
WORDS, TIMES, WRONG, NO_FACE = "words", "times", "wrong-word", "no-face"
BLIND = "blind"  # it finds the gaps by itself
REFINED, DRAW = "refined", "draw"  # what it restores is refined by another model, whose draws have numbers
NO_VOICE, REFERENCE, STRANGER = "no-voice", "reference", "stranger"
VOICES = {
    NO_VOICE: "no voice",
    REFERENCE: "that in other utterances of the speaker",
    STRANGER: "that of another speaker",
}
TELLS = {
    WORDS: "the words, which an aligner finds",
    TIMES: "the words with their times",
    WRONG: "the words, of which one in a gap is another",
    NO_FACE: "no face",
    BLIND: "",
    REFINED: "",
    DRAW: "",
    **VOICES,
}
NO_WORDS = {NO_FACE, BLIND, REFINED, DRAW, *VOICES}


def split_knowledge(spec: str) -> tuple[str, tuple[str, ...]]:
    """The model of a system, and what it is told: ("exp/text", ("no-face", "words")) of "exp/text:words:no-face".
    ``words=FOLDER`` names the aligner, ``refined=FOLDER`` the refiner, and ``draw=2`` what it
    draws.
    """
    model, *told = spec.split(":")
    if not told or not {each.partition("=")[0] for each in told} <= set(TELLS):
        return spec, ()
    return model, tuple(sorted(set(told)))


def tell(told: tuple[str, ...]) -> str:
    """What a model is told of what is said, for readers."""
    kinds = [each.partition("=")[0] for each in told]
    return ", ".join(TELLS[kind] for kind in kinds if kind not in NO_WORDS) or "nothing"


def tell_voice(told: tuple[str, ...]) -> str:
    """Whose voice a model is told that takes one, for readers."""
    return next((VOICES[each] for each in told if each in VOICES), "that heard around the gap")


class Knowledge:
    """What a model is told."""

    def __init__(self, told: tuple[str, ...], model: Path) -> None:
        """Args:
        told: as of :func:`split_knowledge`.
        model: its folder, whose lexicon has the pronunciations.

        Attributes:
            refiner: the model that refines what is restored; None where none does.
            draw: the number of what it makes.
        """
        named = dict(each.partition("=")[::2] for each in told)
        self._told, self._model = set(named), model
        self.refiner = named.get(REFINED) or PRETRAINED_REFINER if {REFINED, DRAW} & set(named) else None
        try:
            self.draw = int(named.get(DRAW, 0))
        except ValueError:
            raise ConfigError(f"{DRAW}={named[DRAW]}: expected a whole number, the seed of what is drawn") from None
        self._aligner_name = named.get(WORDS) or named.get(WRONG) or ALIGNER

    @property
    def hides_face(self) -> bool:
        return NO_FACE in self._told

    @property
    def is_blind(self) -> bool:
        """Whether it is not told where the gaps are."""
        return BLIND in self._told

    @property
    def hides_voice(self) -> bool:
        return NO_VOICE in self._told

    def check(self, takes_text: bool, takes_voice: bool) -> None:
        """Raise ConfigError, ModelError or DataError where the model cannot be told that."""
        voices = self._told & set(VOICES)
        if len(voices) > 1:
            raise ConfigError(f"{self._model}: is told {' and '.join(sorted(voices))}; expected one of them")
        if voices and not takes_voice:
            raise ConfigError(f"{self._model}: is told no voice, so it cannot be restored with {voices.pop()}")
        words = self._told - NO_WORDS
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
        if self.refiner:  # its settings change the sound too
            digests["refiner_settings"] = digest(find_model(self.refiner) / DESCRIPTION)
        if self.is_blind:
            digests["tagger"] = digest(find_model(TAGGER) / WEIGHTS)
        drawn = {"draw": str(self.draw)} if self.draw else {}
        return ({"told": " ".join(sorted(self._told))} if self._told else {}) | drawn | digests

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

    def voice(self, utterance: Utterance, datadir: Path, encoder: VoiceEncoder | None) -> Voice | None:
        """The voice that is told instead of that around the gap; None where there is none.

        Args:
            datadir: with clean utterances, from which a reference is drawn.
            encoder: of a model that is told a voice.

        Raises:
            DataError: no other utterance, or speaker, that could be the reference; or too little speech.
        """
        if encoder is None or not {REFERENCE, STRANGER} & self._told:
            return None
        references = read_references(datadir)
        of = references.of_speaker if REFERENCE in self._told else references.of_stranger
        return voice_in(of(utterance), encoder)

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
