"""The search for the best alignment, against every alignment there is."""

import itertools

import numpy as np
import pytest

from avsi.data.phones import SILENCE_LABEL
from avsi.models.segment_search import Segment, best_segments


def sequences(words):
    """(word, label) of the segments, for each choice of pronunciations and silences."""
    for chosen in itertools.product(*words):
        for silences in itertools.product([False, True], repeat=len(words) + 1):
            parts = [[(-1, SILENCE_LABEL)] * silences[0]]
            for word, (labels, silence) in enumerate(zip(chosen, silences[1:], strict=True)):
                parts.append([(word, label) for label in labels] + [(-1, SILENCE_LABEL)] * silence)
            yield list(itertools.chain(*parts))


def segmentations(words, n_frames):
    for sequence in sequences(words):
        for cuts in itertools.combinations(range(1, n_frames), len(sequence) - 1):
            edges = itertools.pairwise([0, *cuts, n_frames])
            yield [Segment(*each, *edge) for each, edge in zip(sequence, edges, strict=True)]


def score(segments, frames, lengths):
    total = 0.0
    for each in segments:
        total += frames[each.start : each.stop, each.label].sum()
        if each.label != SILENCE_LABEL:
            length = each.stop - each.start
            total += lengths[length - 1, each.label] if length <= len(lengths) else -np.inf
    return total


@pytest.mark.parametrize("seed", range(60))
def test_the_best_segmentation_of_all_is_found(seed):
    rng = np.random.default_rng(seed)
    n_frames, longest = rng.integers(2, 9), rng.integers(1, 5)
    frames, lengths = rng.normal(size=(n_frames, 4)), rng.normal(size=(longest, 4))
    words = [[list(rng.integers(1, 4, rng.integers(1, 3))) for _ in range(rng.integers(1, 3))] for _ in range(2)]
    best = max((score(each, frames, lengths) for each in segmentations(words, n_frames)), default=-np.inf)
    found = best_segments(frames, lengths, words)
    if not found:
        assert best == -np.inf
    else:
        assert score(found, frames, lengths) == pytest.approx(best, abs=1e-4)
        assert [each.start for each in found[1:]] == [each.stop for each in found[:-1]]
        assert (found[0].start, found[-1].stop) == (0, n_frames)


def test_the_pronunciation_that_was_spoken_is_found_and_silences_where_they_are():
    said = [0, 0, 1, 1, 3, 0, 2, 0]
    frames = np.full((8, 4), -5.0)
    frames[np.arange(8), said] = 0
    words = [[[1, 2], [1, 3]], [[2], [3]]]
    assert best_segments(frames, np.zeros((4, 4)), words) == [
        Segment(-1, 0, 0, 2), Segment(0, 1, 2, 4), Segment(0, 3, 4, 5), Segment(-1, 0, 5, 6), Segment(1, 2, 6, 7),
        Segment(-1, 0, 7, 8),
    ]  # fmt: skip


def test_where_the_frames_say_nothing_the_lengths_decide():
    lengths = np.full((6, 4), -9.0)
    lengths[4, 1] = lengths[1, 2] = 0  # five frames of A, two of B
    found = best_segments(np.zeros((7, 4)) - [9, 0, 0, 0], lengths, [[[1, 2]]])
    assert [(each.label, each.stop - each.start) for each in found] == [(1, 5), (2, 2)]


def test_words_that_do_not_fit_are_told():
    assert best_segments(np.zeros((2, 4)), np.zeros((3, 4)), [[[1, 2, 3]]]) == []


def test_known_times_of_words_cost_no_precision():
    rng = np.random.default_rng(0)
    words = [[list(rng.integers(1, 4, 3))] for _ in range(60)]
    frames, lengths = rng.normal(size=(1500, 4)), rng.normal(size=(20, 4))
    free = best_segments(frames, lengths, words)
    word_at = np.array([each.word + 1 for each in free for _ in range(each.start, each.stop)])
    assert best_segments(frames, lengths, words, word_at) == free


def test_frames_whose_word_is_known_bound_its_phones():
    rng = np.random.default_rng(0)
    word_at = np.array([0, 1, 1, -1, 2, 0])
    for _ in range(20):
        found = best_segments(rng.normal(size=(6, 4)), np.zeros((6, 4)), [[[1]], [[2, 3]]], word_at)
        where = [each.word + 1 for each in found for _ in range(each.start, each.stop)]
        assert where in ([0, 1, 1, 1, 2, 0], [0, 1, 1, 0, 2, 0], [0, 1, 1, 2, 2, 0])


def test_phones_may_have_lengths_of_their_own():
    """The same phone three times: of one, two and three frames."""
    own = np.full((4, 3), -9.0)
    own[0, 0] = own[1, 1] = own[2, 2] = 0
    found = best_segments(np.zeros((6, 2)) - [9, 0], np.zeros((4, 2)), [[[1]], [[1, 1]]], own_lengths=own)
    assert [(each.word, each.stop - each.start) for each in found] == [(0, 1), (1, 2), (1, 3)]
