"""Whose voice an utterance is said to be in training: that of other utterances of its speaker, since its own would tell
of its gap.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ..config import Config
from ..data.datadir import Utterance
from ..data.ids import recording_in
from ..errors import DataError

MOST_HEARD = 3  # utterances whose vectors are averaged


class ToldVoices:
    """The voices of the utterances of a data directory.

    Attributes:
        by: the digest of the weights of the speaker encoder that made them.
    """

    def __init__(self, utterances: Sequence[Utterance], config: Config, datadir: object) -> None:
        """Raises DataError for a directory without vectors, and for those of several encoders or of another size."""
        vectors = {u.id: vector for u in utterances if (vector := u.load_voice()) is not None}
        makers = sorted({u.voice_by or "unknown" for u in utterances if u.voice})
        if not vectors:
            raise DataError(f"{datadir}: no utterance has the vector of a voice; run python -m data_prep.voice_vectors")
        if len(makers) > 1:
            raise DataError(
                f"{datadir}: its voices are of the speaker encoders {' and '.join(makers)}; python -m "
                "data_prep.voice_vectors makes them all anew"
            )
        n_values = config.model.voice_values
        if wrong := next((id_ for id_, vector in vectors.items() if vector.shape != (n_values,)), None):
            raise DataError(
                f"{datadir}: the voice of {wrong} has {len(vectors[wrong])} values, but the config asks for {n_values} "
                "(model.voice_values)"
            )
        self.by = makers[0]
        self._n_values = n_values
        self._vectors = {id_: vector.astype(np.float32) for id_, vector in vectors.items()}
        self._of: dict[str, list[str]] = {}
        self._place: dict[str, int] = {}  # of an utterance among those of its speaker
        for u in utterances:
            # A copy in another voice tells nothing of the speaker's own, nor of that of another copy.
            if u.id in vectors and recording_in(u.id) == u.id:
                of_speaker = self._of.setdefault(u.speaker, [])
                self._place[u.id] = len(of_speaker)
                of_speaker.append(u.id)

    def draw(self, utterance: Utterance, rng: np.random.Generator, hidden: float = 0.0) -> Tensor:
        """The unit vector of the mean of up to three other utterances of the speaker, shape (n_values,); NaN where
        there are none, and for the share ``hidden`` of draws.
        """
        is_hidden, most = rng.random() < hidden, 1 + int(rng.integers(MOST_HEARD))
        is_copy = recording_in(utterance.id) != utterance.id
        of_speaker = [] if is_copy else self._of.get(utterance.speaker, [])
        own = self._place.get(utterance.id, len(of_speaker))
        n_others = len(of_speaker) - (own < len(of_speaker))
        if is_hidden or not n_others:
            return torch.full((self._n_values,), torch.nan)
        heard = rng.choice(n_others, min(most, n_others), replace=False)
        mean = np.mean([self._vectors[of_speaker[place + (place >= own)]] for place in heard], axis=0)
        return torch.from_numpy(mean / np.linalg.norm(mean))
