"""The search for the times of known words: the best segmentation of a recording into their phones and silences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..data.phones import SILENCE_LABEL

NEVER = np.float32(-1e30)
ELSEWHERE = -50.0  # the score of a frame outside the known time of its word; sums of much lower ones lose precision
Pronunciations = Sequence[Sequence[int]]  # of one word: the labels of each way to say it


@dataclass(frozen=True)
class Segment:
    """A phone or a silence in the frames [start, stop).

    Attributes:
        word: which word it belongs to, counted from 0; -1 for silence.
        label: 0 for silence.
    """

    word: int
    label: int
    start: int
    stop: int


@dataclass(frozen=True)
class _Graph:
    """States in an order in which each comes after those that lead to it.

    Attributes:
        labels, words: of each state, shape (n_states,).
        before: the states that may come before each, shape (n_states, n); -1 is the start, -2 none.
        last: those that may be the last.
    """

    labels: np.ndarray
    words: np.ndarray
    before: np.ndarray
    last: list[int]


def best_segments(
    frames: np.ndarray,
    lengths: np.ndarray,
    words: Sequence[Pronunciations],
    word_at: np.ndarray | None = None,
    own_lengths: np.ndarray | None = None,
) -> list[Segment]:
    """The segmentation of the highest score: every word in its order, in one of its pronunciations, with or without
    silence around each.

    It is the Viterbi search of a hidden semi-Markov model (Yu, 2010): a phone's score is the sum of its frames' scores
    and one of its length. Silence may last for any time.

    Args:
        frames: the score of each label in each frame, float, shape (n_frames, n_labels).
        lengths: the score of each label for each length of 1, 2, ... frames, shape (longest, n_labels); that of silence
            is not read.
        words: of each word its pronunciations, each of one phone or more.
        word_at: which word is said in each frame, counted from 1, 0 for silence and -1 where that is not known; shape
            (n_frames,). None where nothing is known.
        own_lengths: in the place of ``lengths``, the score of each phone by itself for each length; shape (longest,
            number of phones in all pronunciations), in their order.

    Returns:
        None of them if the words do not fit into the frames.
    """
    graph = _graph(words)
    silent = graph.labels == SILENCE_LABEL
    of_length = np.full((len(lengths), len(silent)), NEVER)
    of_length[:, ~silent] = lengths[:, graph.labels[~silent]] if own_lengths is None else own_lengths
    of_length = of_length[::-1]  # the longest first
    n_frames, longest, n_states = len(frames), len(lengths), len(graph.labels)
    total = np.zeros((n_frames + 1, n_states))
    scores = frames[:, graph.labels]
    if word_at is not None:
        scores = scores + ELSEWHERE * ((word_at >= 0)[:, None] & (word_at[:, None] != graph.words + 1))
    np.cumsum(scores, axis=0, out=total[1:])
    # Before each frame: the best score of what ends there with a state, and of what may go on with it from there.
    # The latter lies after ``longest`` rows of nothing, without the state's own sum so far.
    entered = np.full((longest + n_frames + 1, n_states), NEVER, np.float32)
    came_from = np.zeros((n_frames + 1, n_states), np.int32)
    begun = np.zeros((n_frames + 1, n_states), np.int32)
    starts = (graph.before == -1).any(axis=1)
    entered[longest, starts] = 0
    came_from[0] = -1
    in_silence = np.where(silent & starts, np.float32(0), NEVER)  # the best way to be in a silence, without its sum
    silence_begun = np.zeros(n_states, np.int32)
    before = np.where(graph.before < 0, n_states, graph.before)
    ends = np.full(n_states + 1, NEVER)
    for frame in range(1, n_frames + 1):
        ways = entered[frame : frame + longest] + of_length
        best = ways.argmax(axis=0)
        score = ways[best, np.arange(n_states)]
        begun[frame] = frame - longest + best
        score[silent], begun[frame, silent] = in_silence[silent], silence_begun[silent]
        ends[:-1] = np.where(score > NEVER / 2, score + total[frame], NEVER)
        into = ends[before]
        choice = into.argmax(axis=1)
        best_into = into[np.arange(n_states), choice]
        came_from[frame] = before[np.arange(n_states), choice]
        entry = np.where(best_into > NEVER / 2, best_into - total[frame], NEVER).astype(np.float32)
        entered[longest + frame] = entry
        better = silent & (entry > in_silence)
        in_silence = np.where(better, entry, in_silence)
        silence_begun[better] = frame
    state = max(graph.last, key=lambda each: ends[each])
    if ends[state] <= NEVER / 2:
        return []
    segments, stop = [], n_frames
    while state >= 0:
        start = int(begun[stop, state])
        segments.append(Segment(int(graph.words[state]), int(graph.labels[state]), start, stop))
        state, stop = (-1 if start == 0 else int(came_from[start, state])), start
    return segments[::-1]


def _graph(words: Sequence[Pronunciations]) -> _Graph:
    labels, owners, before = [SILENCE_LABEL], [-1], [[-1]]
    exits = [-1, 0]  # of what came last: the start, and the silence before the first word
    for word, pronunciations in enumerate(words):
        ends = []
        for pronunciation in pronunciations:
            leading = exits
            for label in pronunciation:
                before.append(leading)
                labels.append(label)
                owners.append(word)
                leading = [len(labels) - 1]
            ends += leading
        before.append(ends)
        labels.append(SILENCE_LABEL)
        owners.append(-1)
        exits = [*ends, len(labels) - 1]
    widest = max(map(len, before))
    table = np.array([[*each, *[-2] * (widest - len(each))] for each in before])
    return _Graph(np.array(labels), np.array(owners), table, [state for state in exits if state >= 0])
