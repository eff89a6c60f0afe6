"""An independent word recogniser: PocketSphinx with the model of American English that its wheel carries.

It was not trained on the corpora that systems learn from. It is an optional extra.
"""

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from avsi.audio.samples import from_float
from avsi.data.phones import read_pronunciations
from avsi.errors import ConfigError, DataError

from .grammar import Grammar

RATE = 16000  # that of the model


class WordRecognizer:
    """Finds the most probable sentence of a grammar in any sound: a forced choice.

    Nothing is pruned. With PocketSphinx's own beams, nothing is recognised in three quarters of the sentences with a
    silent gap of 800 ms, not even the words outside it: systems would be compared by how smooth they sound. Without the
    word lattice, that takes no longer. No noise is subtracted, since that makes clean speech harder to recognise.

    Cepstra are normalised by their mean over the utterance, so that earlier utterances do not matter.
    """

    def __init__(self, grammar: Grammar, lexicon: str | Path) -> None:
        """Take all pronunciations of the grammar's words from a lexicon in Kaldi's form.

        Raises:
            ConfigError: the extra `keywords` is not installed.
            DataError: a lexicon that lacks a word of the grammar, or has a phone that is not in the model.
        """
        check_pocketsphinx()
        from pocketsphinx import Decoder

        pruning = {"beam": 0.0, "pbeam": 0.0, "wbeam": 0.0, "maxhmmpf": -1}
        self._decoder = Decoder(dict=None, lm=None, bestpath=False, loglevel="FATAL", **pruning)
        self._decoder.config["remove_noise"] = False
        self._decoder.reinit_feat()
        pronunciations = read_pronunciations(lexicon)
        for word in sorted(grammar.words):
            if not all(pronunciations.get(word, [()])):
                raise DataError(f"{lexicon}: has no phones for '{word}', a word of {grammar.path}")
            for number, phones in enumerate(pronunciations[word], start=1):
                try:
                    self._decoder.add_word(word if number == 1 else f"{word}({number})", " ".join(phones), False)
                except RuntimeError:
                    raise DataError(
                        f"{lexicon}: PocketSphinx does not take '{word} {' '.join(phones)}'; expected phones of the "
                        "CMU dictionary, without stress"
                    ) from None
        self._decoder.add_jsgf_file("grammar", grammar.path)
        self._decoder.activate_search("grammar")

    def recognize(self, samples: np.ndarray, rate: int) -> list[str]:
        """The words of one sentence; none where nothing is recognised: in silence, or in too short a sound.

        Args:
            samples: shape (n_samples,), at 16000 Hz, full scale 1.0.

        Raises:
            ValueError: another shape or rate.
        """
        if samples.ndim != 1 or rate != RATE:
            raise ValueError(f"shape {samples.shape} at {rate} Hz: expected (n_samples,) at {RATE} Hz")
        if not samples.any():
            return []
        self._decoder.start_utt()
        self._decoder.process_raw(from_float(samples, np.int16).tobytes(), full_utt=True)
        self._decoder.end_utt()
        found = self._decoder.hyp()
        return found.hypstr.split() if found else []


def check_pocketsphinx() -> None:
    """Raise ConfigError where the extra is missing."""
    if find_spec("pocketsphinx") is None:
        raise ConfigError("keyword accuracy needs pocketsphinx: pip install -c constraints.txt -e '.[keywords]'")
