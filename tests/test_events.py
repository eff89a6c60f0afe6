import pytest

from avsi.metrics import UndefinedMetric
from avsi.metrics.events import event_f1, join_events, match_events


def test_stretches_match_where_they_share_more_than_a_half_of_what_they_cover():
    true = [(1.0, 2.0), (3.0, 3.2), (5.0, 6.0)]
    found = [(0.9, 1.9), (3.15, 3.4), (5.0, 5.5), (8.0, 8.1)]
    assert match_events(true, found) == [(0, 0)]  # the third shares exactly a half
    assert match_events(true, found, 0.1) == [(0, 0), (1, 1), (2, 2)]
    assert match_events([], found) == match_events(true, []) == []


def test_each_stretch_counts_once_and_as_many_as_can_be_are_matched():
    assert match_events([(0.0, 1.0)], [(0.0, 0.8), (0.1, 1.0)]) == [(0, 1)]
    # The first goes with the second alone; so the second true one, which fits it better, takes the other.
    true, found = [(0.0, 1.0), (0.4, 1.4)], [(0.3, 1.2), (0.6, 1.5)]
    assert match_events(true, found, 0.3) == [(0, 0), (1, 1)]


def test_what_overlaps_or_touches_is_one_stretch():
    assert join_events([(2.0, 3.0), (0.0, 1.0), (1.0, 1.5), (2.2, 2.5)]) == [(0.0, 1.5), (2.0, 3.0)]


def test_f1_is_the_harmonic_mean_of_recall_and_precision():
    recall, precision = 3 / 4, 3 / 6
    assert event_f1(3, 4, 6) == pytest.approx(2 * recall * precision / (recall + precision))
    assert event_f1(0, 4, 0) == 0
    with pytest.raises(UndefinedMetric, match="nothing to find"):
        event_f1(0, 0, 0)
