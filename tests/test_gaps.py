import itertools

import numpy as np
import pytest

from avsi.config import GapConfig, StftConfig
from avsi.data.gap_files import read_gap_file, read_label_file, write_gap_file
from avsi.data.gap_sampling import draw_from_end, draw_in_speech, draw_random, draw_single
from avsi.data.gaps import Gap, gap_spans, lost_frames, lost_samples, widened
from avsi.errors import DataError, GapError
from avsi.rng import generator

RATE = 16000


def test_random_gaps_never_overlap_never_leave_the_region_and_keep_the_minimum():
    for seed in range(500):
        gaps = draw_random(2.978, GapConfig(), RATE, generator(seed, "x"))
        spans = gap_spans(gaps, 47648, RATE)  # raises where gaps overlap or leave the clip
        assert 1 <= len(spans) <= 8
        assert spans[0][0] >= 0 and spans[-1][1] <= 2 * RATE
        assert min(stop - start for start, stop in spans) >= 576
        assert all(later[0] - earlier[1] >= 576 for earlier, later in itertools.pairwise(spans))


def test_random_gaps_add_up_to_the_total_that_was_drawn():
    """With no spread the total is the mean, whatever the number of gaps."""
    config = GapConfig(total_std_ms=0.0)
    for seed in range(200):
        gaps = draw_random(2.978, config, RATE, generator(seed))
        assert sum(round(gap.length_s * RATE) for gap in gaps) == 14400


@pytest.mark.slow
def test_random_totals_follow_the_papers_distribution():
    totals = [sum(gap.length_s for gap in draw_random(3.0, GapConfig(), RATE, generator(seed))) for seed in range(2000)]
    assert np.mean(totals) == pytest.approx(0.9, abs=0.03)
    assert np.std(totals) == pytest.approx(0.3, abs=0.03)


def test_every_number_of_gaps_that_is_allowed_and_fits_is_drawn():
    counts = [len(draw_random(2.978, GapConfig(), RATE, generator(seed))) for seed in range(200)]
    assert set(counts) == set(range(1, 9))
    assert max(counts.count(n) for n in range(1, 9)) < 2 * min(counts.count(n) for n in range(1, 9))
    always = GapConfig(min_count=8, max_count=8)
    assert {len(draw_random(2.978, always, RATE, generator(seed))) for seed in range(20)} == {8}
    # 0.2 s hold three gaps of 36 ms and the pauses between them, and no fourth.
    short = {len(draw_random(0.2, GapConfig(), RATE, generator(seed))) for seed in range(50)}
    assert short == {1, 2, 3}


def test_gaps_from_an_end_take_a_half_to_nearly_all():
    drawn = [draw_from_end(2.978, RATE, generator(seed)) for seed in range(400)]
    spans = np.array([gap_spans(gaps, 47648, RATE) for gaps in drawn])[:, 0]
    lengths = spans[:, 1] - spans[:, 0]
    assert 23824 <= lengths.min() < 25000 and 46000 < lengths.max() < 0.981 * 47648
    assert np.all((spans[:, 0] == 0) | (spans[:, 1] == 47648))
    assert 0.4 < np.mean(spans[:, 0] == 0) < 0.6


@pytest.mark.parametrize(
    ("settings", "drawn"),
    [
        (
            {},
            [
                (0.005375, 0.3659375),
                (0.6924375, 0.7335625),
                (0.809875, 1.0865625),
                (1.1405625, 1.182125),
                (1.4261875, 1.934375),
            ],
        ),
        (
            {"total_mean_ms": 1100, "total_std_ms": 450, "max_count": 2, "region_ms": 2400},
            [(0.4213125, 0.9273125), (0.967375, 2.0513125)],
        ),
    ],
)
def test_what_is_drawn_stays_the_same(settings, drawn):
    gaps = draw_random(2.978, GapConfig(**settings), RATE, generator(0, "pinned"))
    assert [(gap.start_s, gap.end_s) for gap in gaps] == drawn


@pytest.mark.parametrize(
    ("settings", "lost_s"),
    [
        ({"total_mean_ms": 99999}, (1.7, 2.0)),  # all that fits beside the pauses, or nearly
        ({"total_mean_ms": 2400, "total_std_ms": 1e-300, "region_ms": 900}, (0.6, 0.9)),
        ({"total_mean_ms": 0}, (0.036, 1.0)),
        ({"total_mean_ms": 0, "total_std_ms": 0}, (0.036, 0.288)),  # as little as the number of gaps allows
        ({"total_mean_ms": 1e-9, "total_std_ms": 1e-9}, (0.036, 0.288)),
        ({"total_std_ms": 1e9}, (0.036, 2.0)),
        ({"total_std_ms": 1e9, "total_max_ms": 1e9, "region_ms": 1e9}, (0.036, 2.978)),
        ({"max_count": 10**9, "total_max_ms": 1e9}, (0.036, 2.0)),
        ({"min_ms": 2000, "total_max_ms": 16000}, (2.0, 2.0)),
    ],
)
def test_extreme_settings_end_and_give_gaps_that_fit(settings, lost_s):
    for seed in range(20):
        gaps = draw_random(2.978, GapConfig(**settings), RATE, generator(seed))
        spans = gap_spans(gaps, 47648, RATE)  # raises where they do not
        assert lost_s[0] <= sum(stop - start for start, stop in spans) / RATE <= lost_s[1]


@pytest.mark.parametrize("settings", [{"min_ms": 1e9}, {"min_count": 40, "max_count": 40}, {"min_ms": 3000}])
def test_settings_that_fit_no_recording_of_this_length_are_refused(settings):
    with pytest.raises(GapError, match=r"a recording of 2\.978 s is too short for"):
        draw_random(2.978, GapConfig(**settings), RATE, generator(0))


def test_random_gaps_in_a_clip_that_holds_only_one():
    gaps = draw_random(0.1, GapConfig(), RATE, generator(0))
    assert len(gaps) == 1
    with pytest.raises(GapError, match="too short for 1 gap"):
        draw_random(0.03, GapConfig(), RATE, generator(0))


def test_the_same_seed_epoch_and_id_draw_the_same_gaps_and_others_do_not():
    one, again, other_epoch, other_id = (
        draw_random(3.0, GapConfig(), RATE, generator(*names))
        for names in ((0, 3, "s01_a"), (0, 3, "s01_a"), (0, 4, "s01_a"), (0, 3, "s01_b"))
    )
    assert one == again
    assert one != other_epoch and one != other_id


@pytest.mark.parametrize("gap_ms", [100, 800, 1600, 2500])
def test_a_single_gap_has_its_length_and_lies_in_the_first_two_seconds_where_it_can(gap_ms):
    for seed in range(50):
        (gap,) = draw_single(2.978, gap_ms, GapConfig(), RATE, generator(seed))
        assert round(gap.length_s * RATE) == gap_ms * 16
        assert gap.end_s <= max(2.0, gap_ms / 1000)
    with pytest.raises(GapError, match="does not fit"):
        draw_single(1.0, 1000, GapConfig(), RATE, generator(0))


@pytest.mark.parametrize(
    ("gaps", "message"),
    [
        ([], "no gap given"),
        ([Gap(1.6, 0.8)], "ends before it starts"),
        ([Gap(0.5, 0.5)], "ends before it starts"),
        ([Gap(2.0, 4.0)], "outside the recording, which lasts 3.000 s"),
        ([Gap(-0.1, 0.2)], "outside the recording"),
        ([Gap(0.5, 1.0), Gap(0.9, 1.2)], "overlaps the gap before it"),
        ([Gap(0.0, 3.0)], "cover the whole recording"),
        ([Gap(0.0, 1.0), Gap(1.0, 3.0)], "cover the whole recording"),
        ([Gap(1.0, 1.00001)], "shorter than one sample"),
        ([Gap(float("nan"), 1.0)], "finite"),
        ([Gap(0.0, float("inf"))], "finite"),
    ],
)
def test_gaps_that_do_not_fit_are_refused(gaps, message):
    with pytest.raises(GapError, match=message):
        gap_spans(gaps, 48000, RATE)


def test_masks_mark_samples_and_every_frame_that_sees_them():
    spans = gap_spans([Gap(0.5, 1.0)], 48000, RATE)
    assert np.flatnonzero(lost_samples(spans, 48000)).tolist() == list(range(8000, 16000))
    assert np.flatnonzero(lost_frames(spans, 250, StftConfig())).tolist() == list(range(41, 84))


@pytest.mark.parametrize("text", ["0.8", "a:b", "0.8-1.6", "1:2:3", ""])
def test_a_gap_of_another_form_is_refused(text):
    with pytest.raises(GapError, match="expected START:END"):
        Gap.parse(text)


def test_gap_files_keep_what_was_written_and_name_a_broken_line(tmp_path):
    gaps = {"s01_b": [Gap(1.0, 1.5), Gap(0.1, 0.2)], "s01_a": [Gap(0.25, 0.5)]}
    write_gap_file(tmp_path / "gaps", gaps)
    assert read_gap_file(tmp_path / "gaps") == {"s01_a": [Gap(0.25, 0.5)], "s01_b": [Gap(0.1, 0.2), Gap(1.0, 1.5)]}
    (tmp_path / "gaps").write_text("s01_a 0.1 0.2\ns01_b 0.1\n")
    with pytest.raises(DataError, match="gaps:2"):
        read_gap_file(tmp_path / "gaps")


def test_label_files_are_audacitys(tmp_path):
    (tmp_path / "labels.txt").write_text("0.5\t0.75\tclick here\n\n1.0\t1.25\n")
    assert read_label_file(tmp_path / "labels.txt") == [Gap(0.5, 0.75), Gap(1.0, 1.25)]
    (tmp_path / "labels.txt").write_text("here there\n")
    with pytest.raises(GapError, match=r"labels\.txt:1"):
        read_label_file(tmp_path / "labels.txt")


def test_gaps_are_widened_within_the_recording_and_those_that_meet_become_one():
    spans = [(100, 200), (600, 700), (1000, 1100), (5800, 5900)]
    assert widened(spans, 150, 6000) == [(0, 350), (450, 1250), (5650, 6000)]
    assert widened(spans, 0, 6000) == spans


def test_a_single_gap_may_lie_at_either_end():
    config = GapConfig(region_ms=103.0)
    starts = {round(draw_single(0.103, 100, config, 1000, generator(n))[0].start_s * 1000) for n in range(100)}
    assert starts == {0, 1, 2, 3}


def test_names_that_only_run_together_alike_draw_differently():
    assert generator(1, 12, "x").random() != generator(11, 2, "x").random()


def test_labels_are_read_as_audacity_and_windows_write_them(tmp_path):
    (tmp_path / "labels.txt").write_bytes(b"\xef\xbb\xbf0.8\t1.2\tcough\r\n\\\t100.0\t200.0\r\n2.0\t2.5\r\n")
    assert read_label_file(tmp_path / "labels.txt") == [Gap(0.8, 1.2), Gap(2.0, 2.5)]


def test_gaps_are_drawn_anew_until_they_lose_speech_and_else_the_best_of_ten():
    stft, speech = StftConfig(), np.zeros(250, bool)
    speech[150:] = True  # from 1.8 s on
    draws = iter([[Gap(0.1, 0.3)], [Gap(1.0, 1.4)], [Gap(1.7, 2.0)], [Gap(2.2, 2.4)]])
    found = draw_in_speech(lambda: next(draws), speech, GapConfig(in_speech=0.6), stft)
    assert found == [Gap(1.7, 2.0)] and next(draws) == [Gap(2.2, 2.4)]
    draws = iter([[Gap(0.1, 0.3)], [Gap(1.7, 2.0)], *([Gap(0.5, 0.6)] for _ in range(20))])
    assert draw_in_speech(lambda: next(draws), speech, GapConfig(in_speech=1.0), stft) == [Gap(1.7, 2.0)]
    assert len(list(draws)) == 12
