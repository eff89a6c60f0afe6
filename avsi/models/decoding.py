"""From CTC's log probabilities to labels, by prefix beam search."""

from __future__ import annotations

import numpy as np

from ..data.phones import BLANK


def beam_search(log_probs: np.ndarray, beam: int = 20) -> tuple[list[int], float]:
    """The labelling whose paths together are the most likely, by prefix beam search (Hannun et al., 2014, algorithm 1,
    without a language model).

    Each prefix has two scores, of its paths that end in a blank and of those that end in its last label: only after a
    blank does the same label begin anew.

    Args:
        log_probs: natural log, shape (n_frames, n_labels).
        beam: prefixes kept at each frame; with as many as there are the search is exact.

    Returns:
        The labels, and the log probability of the paths that were followed to them.
    """
    labels = np.delete(np.arange(log_probs.shape[1]), BLANK)
    prefixes: list[tuple[int, ...]] = [()]
    ends_blank, ends_label = np.zeros(1), np.full(1, -np.inf)
    for frame in log_probs.astype(np.float64):
        last = np.array([prefix[-1] if prefix else BLANK for prefix in prefixes])
        both = np.logaddexp(ends_blank, ends_label)
        stay_blank = both + frame[BLANK]
        # The empty prefix has no last label; its score is minus infinity and stays so.
        stay_label = ends_label + frame[last]
        repeats = labels == last[:, None]
        grown = np.where(repeats, ends_blank[:, None], both[:, None]) + frame[labels]
        # A prefix that grows into another one of the beam adds to that one's paths.
        place = {prefix: index for index, prefix in enumerate(prefixes)}
        for index, prefix in enumerate(prefixes):
            parent = place.get(prefix[:-1]) if prefix else None
            if parent is not None:
                column = np.searchsorted(labels, prefix[-1])
                stay_label[index] = np.logaddexp(stay_label[index], grown[parent, column])
                grown[parent, column] = -np.inf
        scores = np.concatenate([np.logaddexp(stay_blank, stay_label), grown.ravel()])
        best = np.argsort(-scores, kind="stable")[:beam]
        best = best[scores[best] > -np.inf]
        stays = best < len(prefixes)
        parents, columns = np.divmod(best - len(prefixes), len(labels))
        ends_blank = np.where(stays, stay_blank[best * stays], -np.inf)
        ends_label = np.where(stays, stay_label[best * stays], scores[best])
        prefixes = [
            prefixes[index] if stay else (*prefixes[parent], int(labels[column]))
            for index, stay, parent, column in zip(best, stays, parents, columns, strict=True)
        ]
    return list(prefixes[0]), float(np.logaddexp(ends_blank[0], ends_label[0]))
