import io
import re

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_hex
from PIL import Image
from summaries import AV, MS_100, MS_800, NONE, ORACLE, RANDOM, UNPROCESSED, A, around, summary, with_estimates

from avsi.data.gap_protocol import Condition
from evaluation.reporting.curves import draw, length_curves

LENGTHS = [MS_800, MS_100, RANDOM, Condition("400ms", 400.0)]


def shaded(panel) -> list[tuple[float, float]]:
    """Each band and bar from lowest to highest."""
    spans = [np.concatenate([path.vertices[:, 1] for path in drawn.get_paths()]) for drawn in panel.collections]
    return [(span.min(), span.max()) for span in spans]


def test_a_line_goes_through_the_means_by_length():
    means = summary([UNPROCESSED, A, AV], LENGTHS)
    means = with_estimates(means, {("av", "100ms", "l1"): around(0.3), ("a", "400ms", "l1"): NONE})
    figure = draw(means)
    l1, stoi = figure.axes
    assert [line.get_xydata().tolist() for line in l1.lines] == [
        [[100, 0.9], [400, 0.9], [800, 0.9]],
        [[100, 0.6], [800, 0.6]],
        [[100, 0.3], [400, 0.45], [800, 0.45]],
    ]
    assert np.allclose(shaded(l1), [(0.89, 0.91), (0.59, 0.61), (0.29, 0.46)])
    assert l1.get_title(loc="left") == "L1, training deviations\n(lower is better)"
    assert stoi.get_xlabel() == "Gap length, ms"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["unprocessed", "a", "av"]


def test_a_single_length_is_a_point_with_a_bar():
    means = with_estimates(
        summary([A, AV], LENGTHS, ("stoi",)), {("a", "100ms", "stoi"): None, ("a", "400ms", "stoi"): None}
    )
    (panel,) = draw(means).axes
    assert panel.lines[0].get_xydata().tolist() == [[800, 0.8]]
    assert np.allclose(shaded(panel)[0], (0.79, 0.81))


def test_models_are_in_colour_and_no_two_lines_look_alike():
    lines = draw(summary([UNPROCESSED, A, AV, ORACLE], LENGTHS)).axes[0].lines
    colours = [to_hex(line.get_color()) for line in lines]
    assert [len({colour[1:3], colour[3:5], colour[5:]}) > 1 for colour in colours] == [False, True, True, False]
    assert [line.get_linestyle() == "-" for line in lines] == [False, True, True, False]
    assert len({line.get_marker() for line in lines}) == len(set(colours)) == 4


def test_long_axes_name_some_lengths():
    lengths = [Condition(f"{gap_ms}ms", float(gap_ms)) for gap_ms in range(100, 1700, 100)]
    (panel,) = draw(summary([A], lengths, ("stoi",))).axes
    assert panel.get_xticks().tolist() == [100, 200, 400, 800, 1600]
    assert panel.get_xticks(minor=True).tolist() == [300, 500, 600, 700, *range(900, 1600, 100)]
    (panel,) = draw(summary([A], [MS_800], ("stoi",))).axes
    assert panel.get_xticks().tolist() == [800]


def test_the_legend_of_an_odd_number_of_panels_is_in_the_free_place():
    figure = draw(summary([A, AV], LENGTHS, ("l1", "stoi", "pesq")))
    assert not figure.legends
    assert [text.get_text() for text in figure.axes[3].get_legend().get_texts()] == ["a", "av"]


@pytest.mark.slow
def test_pictures_are_as_wide_as_a_column_and_fonts_are_true_type():
    before = dict(matplotlib.rcParams)
    means = summary([A, AV], LENGTHS, ("stoi",))
    png = Image.open(io.BytesIO(length_curves(means, "png")))
    assert (png.width, png.info["dpi"]) == (680, pytest.approx((200, 200), abs=0.1))
    assert png.getpixel((0, 0))[:3] == (255, 255, 255)
    pdf = length_curves(means, "pdf")
    assert pdf == length_curves(means, "pdf"), "the same file of the same figures"
    assert set(re.findall(rb"/Subtype /(Type3|Type1|CIDFontType2)", pdf)) == {b"CIDFontType2"}
    assert dict(matplotlib.rcParams) == before


def test_without_a_length_there_is_nothing_to_draw():
    with pytest.raises(ValueError, match="no condition is a length"):
        draw(summary([A], [RANDOM]))


def test_a_line_far_worse_than_all_others_does_not_hide_how_those_differ():
    means = summary([UNPROCESSED, A, AV], LENGTHS)
    bad = with_estimates(means, {("unprocessed", "800ms", "l1"): around(4.0)})
    l1, stoi = draw(bad).axes
    assert l1.get_ylim()[1] == pytest.approx(1.25 * 0.6) and stoi.get_ylim()[1] > 0.7
    assert draw(means).axes[0].get_ylim()[1] > 0.9
