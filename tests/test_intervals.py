import numpy as np
import pytest

from evaluation.statistics import intervals
from evaluation.statistics.intervals import Bootstrap, Estimate, jointly, widening


def test_of_one_speaker_the_interval_is_that_of_the_normal_law_for_many_values():
    values = np.random.default_rng(1).normal(0.3, 2.0, 400)
    found = Bootstrap(["one"] * 400).estimate(values)
    half = 1.96 * values.std() / 20
    assert (found.mean, found.scored, found.missing) == (pytest.approx(values.mean()), 400, 0)
    assert (found.low, found.high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.02)


def test_speakers_that_differ_widen_it():
    """Two speakers, ten of whose utterances each are alike: the mean is that of 0 and 0, of 0 and 1, or of 1 and 1."""
    values = np.repeat([0.0, 1.0], 10)
    found = Bootstrap(["a"] * 10 + ["b"] * 10).estimate(values)
    far = 0.5 * 12.706 / 1.96 * 2**0.5  # Student's t of one degree of freedom
    assert (found.mean, found.low, found.high) == (0.5, pytest.approx(0.5 - far, 1e-3), pytest.approx(0.5 + far, 1e-3))
    of_one = Bootstrap(["a"] * 20).estimate(values)
    assert 0.2 < of_one.low < 0.4 and 0.6 < of_one.high < 0.8


@pytest.mark.parametrize(
    ("units", "comparisons", "factor"),
    [  # t of the table / 1.960 * sqrt(n / (n - 1))
        (2, 1, 12.706 / 1.960 * 2**0.5),  # 9.17
        (4, 1, 3.182 / 1.960 * (4 / 3) ** 0.5),  # 1.87
        (11, 1, 2.228 / 1.960 * 1.1**0.5),
        (60, 1, 2.001 / 1.960 * (60 / 59) ** 0.5),  # 1.03
        (11, 5, 3.169 / 1.960 * 1.1**0.5),  # t of 0.995
        (4, 50, 12.924 / 1.960 * (4 / 3) ** 0.5),  # t of 0.9995
        (1, 1, 1),
    ],
)
def test_intervals_of_few_and_of_many_at_once_are_as_wide_as_students_t_asks(units, comparisons, factor):
    assert widening(units, comparisons) == pytest.approx(factor, rel=1e-3)


def test_intervals_that_are_to_hold_together_reach_further_to_both_sides():
    found = jointly(Estimate(0.5, 0.4, 0.7, 11, 2), units=11, comparisons=5)
    further = 3.169 / 2.228
    assert (found.mean, found.scored, found.missing) == (0.5, 11, 2)
    assert (found.low, found.high) == pytest.approx((0.5 - 0.1 * further, 0.5 + 0.2 * further), rel=1e-3)
    alone = Estimate(0.5, 0.4, 0.7, 11, 2)
    assert jointly(alone, units=11, comparisons=1) == Estimate(0.5, *map(pytest.approx, (0.4, 0.7)), 11, 2)


@pytest.mark.parametrize("n_speakers", [4, 12])
@pytest.mark.slow
def test_it_holds_the_truth_nineteen_times_in_twenty_for_few_speakers_too(n_speakers):
    rng = np.random.default_rng(n_speakers)
    held = 0
    for _ in range(100):
        values = np.repeat(rng.normal(0, 1, n_speakers), 30) + rng.normal(0, 1, 30 * n_speakers)
        found = Bootstrap(np.repeat(np.arange(n_speakers), 30).astype(str).tolist(), resamples=400).estimate(values)
        held += found.low < 0 < found.high
    assert 0.9 <= held / 100 <= 1


def test_utterances_weigh_as_much_as_they_are_told_to():
    """A phone error rate is all errors over all phones: 1 of 2 and 0 of 18 is 0.05."""
    far = 12.706 / 1.96 * 2**0.5
    found = Bootstrap(["a", "a"]).estimate(np.array([0.5, 0.0]), np.array([2.0, 18.0]))
    assert (found.mean, found.low, found.high) == (
        pytest.approx(0.05),
        pytest.approx(0.05 * (1 - far), abs=0.01),
        pytest.approx(0.05 + 0.45 * far, abs=0.01),
    )


def test_what_has_no_value_is_counted_and_weighs_nothing():
    found = Bootstrap(["a"] * 4).estimate(np.array([1.0, np.nan, 3.0, np.nan]))
    assert (found.mean, found.scored, found.missing) == (2, 2, 2)
    far = 3.182 / 1.96 * (4 / 3) ** 0.5
    assert (found.low, found.high) == pytest.approx((2 - far, 2 + far), rel=1e-2)
    one, none = (Bootstrap(["a"] * 2).estimate(np.array([value, np.nan])) for value in (5.0, np.nan))
    assert one.mean == 5 and np.isnan([one.low, one.high, none.mean, none.low]).all()
    assert (none.scored, none.missing) == (0, 2)


def test_the_same_utterances_give_the_same_interval():
    values = np.arange(9.0)
    assert Bootstrap(list("aabbbbccc")).estimate(values) == Bootstrap(list("aabbbbccc")).estimate(values)


@pytest.mark.parametrize("block", [intervals.BLOCK, 25, 1])
def test_intervals_stay_the_same_over_releases_and_however_many_are_drawn_at_a_time(monkeypatch, block):
    """Speakers that do not stand in order, and one value that is missing."""
    monkeypatch.setattr(intervals, "BLOCK", block)
    values, weights = np.sqrt(np.arange(30.0)), np.arange(30.0)
    values[4] = np.nan
    bootstrap = Bootstrap(["b"] * 9 + ["a"] * 15 + ["c"] * 6)
    alike, weighted = bootstrap.estimates([(values, None), (values, weights)])
    assert (alike.mean, alike.low, alike.high) == pytest.approx((3.607090332, -0.953551015, 7.669985654))
    assert (weighted.mean, weighted.low, weighted.high) == pytest.approx((4.367290010, -0.848600691, 6.416939014))
    assert (alike.scored, alike.missing) == (29, 1) and bootstrap.estimate(values, weights) == weighted


@pytest.mark.parametrize("block", [intervals.BLOCK, 2000 * 7, 2000])
def test_nor_do_those_of_many_speakers_of_few_utterances(monkeypatch, block):
    """Several of which are drawn in a block, or one."""
    monkeypatch.setattr(intervals, "BLOCK", block)
    values = np.sqrt(np.arange(180.0))
    values[7] = np.nan
    found = Bootstrap([f"s{n % 40:02d}" for n in range(90)] + ["t"] * 90).estimate(values)
    assert (found.mean, found.low, found.high) == pytest.approx((8.940839151, 5.829861971, 10.475648213))


def test_where_nothing_weighs_anything_there_is_no_mean():
    found = Bootstrap(["a", "a", "b"]).estimate(np.array([1.0, 2.0, np.nan]), np.zeros(3))
    assert np.isnan([found.mean, found.low, found.high]).all() and (found.scored, found.missing) == (2, 1)


def test_of_two_long_speakers_as_many_utterances_are_drawn_as_there_are():
    drawn = np.zeros(8)
    for resamples, _, counts in Bootstrap(["a"] * 35_000 + ["b"] * 35_000, resamples=8)._draws():
        drawn[resamples] += counts.sum(axis=1)
    assert drawn.tolist() == [70_000] * 8
