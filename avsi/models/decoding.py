"""Decoding of CTC outputs by prefix beam search."""

import numpy as np

from ..data.phones import BLANK


def beam_search(log_probs: np.ndarray, beam: int = 20) -> tuple[list[int], float]:
    """The labelling with the highest total probability of its paths, by prefix beam search (Hannun et al., 2014,
    algorithm 1, without a language model).

    Each prefix has two scores: of its paths that end in a blank, and of those that end in its last label. Only after a
    blank can the same label be repeated.

    Args:
        log_probs: natural log, shape (n_frames, n_labels).
        beam: number of prefixes kept at each frame; if none is dropped, the search is exact.

    Returns:
        The labels, and the log probability of the paths to them that stayed in the beam.
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
        # A prefix that is extended to another prefix in the beam adds to the paths of that one.
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
