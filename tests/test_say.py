"""What evaluation.say lets a model hear of a speaker."""

import numpy as np
import pytest
import soundfile
from conftest import RATE

from avsi.data.datadir import Utterance
from avsi.errors import DataError
from evaluation.say import heard_of


def spoken(folder, name: str, level: float) -> Utterance:
    """Two words in 2 s, from 0.5 and from 1.25 s."""
    path = folder / f"{name}.wav"
    soundfile.write(path, np.full(2 * RATE, level), RATE, subtype="FLOAT")
    words = ((0.5, 0.5, f"{name}1"), (1.25, 0.5, f"{name}2"))
    return Utterance(name, "s", str(path), 2.0, (f"{name}1", f"{name}2"), alignment=words)


def test_a_speaker_is_heard_in_whole_words_up_to_some_seconds(tmp_path):
    one, two = spoken(tmp_path, "a", 0.25), spoken(tmp_path, "b", 0.5)
    samples, words = heard_of([one, two], 3.0)
    assert words == ["b2", "a1", "a2"]
    assert np.array_equal(samples, np.repeat([0.5, 0.25], [12000, 32000]).astype(np.float32))
    samples, words = heard_of([one, two], 9.0)  # all there is
    assert (len(samples), words) == (4 * RATE, ["b1", "b2", "a1", "a2"])
    samples, words = heard_of([one, two], 1.5)
    assert (len(samples), words) == (1.5 * RATE, ["a1", "a2"])
    with pytest.raises(DataError, match=r"s: no word of its other utterances fits into 0\.5 s"):
        heard_of([one, two], 0.5)
