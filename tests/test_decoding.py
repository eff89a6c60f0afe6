import itertools

import numpy as np
import pytest
import torch
from torch.nn.functional import ctc_loss

from avsi.data.phones import BLANK
from avsi.models.decoding import beam_search

NEVER = 1e-30


def collapse(path) -> tuple[int, ...]:
    """CTC's map from paths to labellings: repetitions fall together, then blanks go."""
    return tuple(label for label, _ in itertools.groupby(path) if label != 0)


def exhaustive(log_probs: np.ndarray) -> dict[tuple[int, ...], float]:
    """The probability of each labelling, summed over every path there is."""
    total: dict[tuple[int, ...], float] = {}
    n_frames, n_labels = log_probs.shape
    for path in itertools.product(range(n_labels), repeat=n_frames):
        labels = collapse(path)
        total[labels] = total.get(labels, 0.0) + float(np.exp(log_probs[np.arange(n_frames), list(path)].sum()))
    return total


def random_log_probs(seed: int, n_frames: int, n_labels: int, sharpness: float = 1.0) -> np.ndarray:
    scores = sharpness * np.random.default_rng(seed).normal(size=(n_frames, n_labels))
    return scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))


@pytest.mark.slow
@pytest.mark.parametrize(("n_frames", "n_labels"), [(1, 2), (2, 2), (3, 4), (5, 3), (6, 3), (6, 4)])
@pytest.mark.parametrize("sharpness", [0.3, 1.0, 4.0])
def test_a_wide_beam_finds_the_best_labelling_of_all(n_frames, n_labels, sharpness):
    for seed in range(5):
        log_probs = random_log_probs(seed, n_frames, n_labels, sharpness)
        truth = exhaustive(log_probs)
        assert sum(truth.values()) == pytest.approx(1)
        best = max(truth, key=truth.get)
        labels, score = beam_search(log_probs, beam=10_000)
        assert tuple(labels) == best
        assert np.exp(score) == pytest.approx(truth[best], rel=1e-9)


def test_the_papers_beam_is_wide_enough_where_the_frames_are_clear():
    for seed in range(10):
        log_probs = random_log_probs(seed, 6, 4, 2.0)
        truth = exhaustive(log_probs)
        assert tuple(beam_search(log_probs, beam=20)[0]) == max(truth, key=truth.get)


def test_the_best_labelling_is_not_that_of_the_best_path():
    """Each frame is most likely a blank, but that both are is less likely than one phone somewhere in them."""
    log_probs = np.log([[0.6, 0.4], [0.6, 0.4]])
    assert log_probs.argmax(axis=1).tolist() == [BLANK, BLANK]
    labels, score = beam_search(log_probs)
    assert labels == [1]
    assert np.exp(score) == pytest.approx(0.4 * 0.4 + 2 * 0.6 * 0.4)


def test_a_label_is_repeated_only_after_a_blank():
    paths = {(1, 1, 1): [1], (1, 0, 1): [1, 1], (0, 1, 2): [1, 2], (0, 0, 0): [], (2, 2, 0): [2]}
    for path, labels in paths.items():
        log_probs = np.log(np.where(np.eye(3)[list(path)] > 0, 1 - 2 * NEVER, NEVER))
        assert beam_search(log_probs)[0] == labels


def test_impossible_labels_do_no_harm():
    with np.errstate(divide="ignore"):
        log_probs = np.log(np.eye(3)[[1, 0, 2, 2]])
    assert beam_search(log_probs) == ([1, 2], 0.0)


def test_a_narrow_beam_keeps_its_width_of_prefixes_and_is_never_above_the_truth():
    for seed in range(5):
        log_probs = random_log_probs(seed, 6, 4)
        truth = exhaustive(log_probs)
        for beam in (1, 2, 5):
            labels, score = beam_search(log_probs, beam)
            assert np.exp(score) <= truth[tuple(labels)] * (1 + 1e-9)


def test_flashlights_decoder_finds_nothing_more_likely():
    """It keeps what ends in a blank and what ends in a label as two hypotheses to the end, so it differs at times."""
    decoder = pytest.importorskip("flashlight.lib.text.decoder")
    options = decoder.LexiconFreeDecoderOptions(
        beam_size=20,
        beam_size_token=34,
        beam_threshold=1e3,
        lm_weight=0.0,
        sil_score=0.0,
        log_add=True,
        criterion_type=decoder.CriterionType.CTC,
    )
    # Silence, which it must be given, is a label that there is not.
    theirs = decoder.LexiconFreeDecoder(options, decoder.ZeroLM(), 34, 0, [])

    def likelihood(log_probs, labels):
        frames, lengths = torch.from_numpy(log_probs)[:, None], torch.tensor([len(log_probs)])
        return -float(ctc_loss(frames, torch.tensor([labels]), lengths, torch.tensor([len(labels)]), reduction="none"))

    alike = 0
    for seed in range(10):
        log_probs = np.ascontiguousarray(random_log_probs(seed, 80, 34, 3.0).astype(np.float32))
        found = beam_search(log_probs)[0]
        other = list(collapse(theirs.decode(log_probs.ctypes.data, *log_probs.shape)[0].tokens[1:-1]))
        assert likelihood(log_probs, found) >= likelihood(log_probs, other) - 1e-3
        alike += found == other
    assert alike >= 8
