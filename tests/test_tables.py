import math
import re
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest
from summaries import AV, AV_MTL, MS_100, MS_800, NONE, ORACLE, RANDOM, UNPROCESSED, A, summary, with_estimates

from avsi.data.gap_protocol import Condition
from avsi.metrics.registry import COLUMNS
from evaluation.reporting.latex import to_latex
from evaluation.reporting.markdown import to_markdown
from evaluation.reporting.tables import (
    Table,
    condition_table,
    difference_table,
    length_table,
    speaker_table,
    system_table,
)
from evaluation.statistics.comparisons import verdict
from evaluation.statistics.intervals import Bootstrap, Estimate
from evaluation.statistics.summary import System

UNIT = "The unit of L1, and the mean fill, are from data/train/stats.npz."
INTERVALS = "with 95 % intervals (bootstrap over speakers and utterances) in brackets"
NASTY = Table(
    "a_b%c", "50 % of $x_1$\\", ["[a]", "b|c", "*"], "lcr", [["*x*", "-0.5\n[-1, 0]", ""]], frozenset({(0, 1)})
)


def markdown_cells(text: str) -> list[list[str]]:
    """The cells of each line of a table."""
    return [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in text.splitlines()
        if line.startswith("|")
    ]


def test_one_system_in_all_metrics_under_each_condition():
    of = with_estimates(summary([UNPROCESSED, AV], [RANDOM, MS_800], ("l1", "stoi")), {("av", "800ms", "l1"): None})
    table = system_table(of, AV)
    assert markdown_cells(to_markdown(table)) == [
        ["Gaps", "L1 ↓ (training deviations)", "STOI ↑"],
        ["---", "---:", "---:"],
        ["random", "0.450 [0.440, 0.460]", "0.875 [0.865, 0.885]"],
        ["800 ms", "", "0.875 [0.865, 0.885]"],
    ]
    assert table.caption.startswith(f"av: means over 60 utterances {INTERVALS}. ")
    assert table.caption.endswith("Blank cells were not measured.") and not table.bold


def test_the_papers_table_of_a_condition():
    table = condition_table(summary([UNPROCESSED, A, AV, ORACLE], [RANDOM], ("l1", "pesq", "per")), RANDOM)
    assert to_markdown(table) == (
        f"Gaps: random. Means over 60 utterances {INTERVALS}. PER: utterances weigh by their phones. "
        f"{UNIT} ↑ higher is better, ↓ lower is better. Bold: the best mean, but for the oracle's.\n"
        "\n"
        "| System | A | V | MTL | L1 ↓ (training deviations) | PESQ ↑ (MOS-LQO) | PER ↓ |\n"
        "| --- | :---: | :---: | :---: | ---: | ---: | ---: |\n"
        "| unprocessed |  |  |  | 0.900 [0.890, 0.910] | 0.600 [0.590, 0.610] | **0.600 [0.590, 0.610]** |\n"
        "| a | x |  |  | 0.600 [0.590, 0.610] | 0.800 [0.790, 0.810] | 0.800 [0.790, 0.810] |\n"
        "| av | x | x |  | **0.450 [0.440, 0.460]** | **0.875 [0.865, 0.885]** | 0.875 [0.865, 0.885] |\n"
        "| oracle |  |  |  | 0.000 [-0.010, 0.010] | 0.990 [0.980, 1.000] | 0.990 [0.980, 1.000] |\n"
    )


def test_a_table_by_length_keeps_the_order_of_the_conditions():
    field = Condition("field_1")
    table = length_table(summary([A, AV, AV_MTL], [MS_800, field, MS_100]), COLUMNS["stoi"])
    assert table.caption == f"STOI (higher is better): means over 60 utterances {INTERVALS}. Bold: the best mean."
    assert table.header == ["System", "800 ms", "field_1", "100 ms"]
    assert table.rows[0] == ["a", *3 * ["0.800\n[0.790, 0.810]"]]
    assert table.bold == {(row, place) for row in (1, 2) for place in (1, 2, 3)}, "equal figures are equally good"
    per = length_table(summary([A], [RANDOM], ("per",)), COLUMNS["per"])
    assert per.caption.endswith("PER: utterances weigh by their phones.")


@pytest.mark.parametrize(
    "estimate, cell",
    [
        (Estimate(2.5, 2.4, 2.6, 58, 2), "2.500 [2.400, 2.600] (2 not scored)"),
        (Estimate(2.5, math.nan, math.nan, 1, 0), "2.500 (no interval)"),
        (Estimate(2.5, math.nan, math.nan, 1, 59), "2.500 (no interval, 59 not scored)"),
        (NONE, "- (60 not scored)"),
        (Estimate(-0.0001, -0.2, 0.1, 60, 0), "0.000 [-0.200, 0.100]"),
        (None, ""),
    ],
)
def test_what_was_not_scored_is_shown(estimate, cell):
    means = with_estimates(summary([A, AV], [RANDOM]), {("a", "random", "l1"): estimate})
    table = condition_table(means, RANDOM)
    assert markdown_cells(to_markdown(table))[2][4].strip("*") == cell
    assert ("Blank cells were not measured." in table.caption) == (estimate is None)


def test_the_oracle_is_not_the_best_nor_is_what_is_alone():
    assert condition_table(summary([A, ORACLE], [RANDOM]), RANDOM).bold == frozenset()
    alone = condition_table(summary([AV], [RANDOM]), RANDOM)
    assert (alone.bold, "Bold" in alone.caption) == (frozenset(), False)
    means = with_estimates(summary([A, AV, ORACLE], [RANDOM], ("l1",)), {("av", "random", "l1"): NONE})
    assert condition_table(means, RANDOM).bold == frozenset(), "one mean is left"


def test_without_a_model_there_are_no_senses():
    table = condition_table(summary([UNPROCESSED, ORACLE], [RANDOM], ("stoi",)), RANDOM)
    assert (table.header, table.alignment) == (["System", "STOI ↑"], "lr")
    assert table.rows == [["unprocessed", "0.600\n[0.590, 0.610]"], ["oracle", "0.990\n[0.980, 1.000]"]]


def test_the_caption_counts_utterances():
    means = summary([A, AV], [RANDOM, MS_800], ("stoi",))
    assert "means over 60 utterances with" in length_table(means, COLUMNS["stoi"]).caption
    empty = replace(means, estimates={}, differences={})
    assert "Means over 0 utterances with" in condition_table(empty, RANDOM).caption
    assert difference_table(empty, "a", "av").rows == [["random", ""], ["800 ms", ""]]
    one = with_estimates(summary([A], [RANDOM], ("stoi",)), {("a", "random", "stoi"): Estimate(1, 1, 1, 1, 0)})
    assert "Means over 1 utterance with" in condition_table(one, RANDOM).caption


def test_differences_say_which_is_better_where_the_interval_is_clear_of_0():
    means = summary([A, AV, AV_MTL], [MS_800])
    table = difference_table(means, "a", "av")
    assert table.caption == (
        f"Paired differences, av minus a: means over 60 utterances {INTERVALS}. {UNIT} ↑ higher is better, ↓ lower is "
        "better. av is called better (bold) or worse where the interval, widened for 2 comparisons (Bonferroni), is "
        "clear of 0."
    )
    assert table.header == ["Gaps", "L1 ↓\n(training deviations)", "STOI ↑"]
    assert table.rows == [["800 ms", "-0.150\n[-0.170, -0.130]\nbetter", "+0.075\n[+0.055, +0.095]\nbetter"]]
    assert table.bold == {(0, 1), (0, 2)}
    phones = difference_table(means, "av", "av_mtl")
    assert phones.rows == [["800 ms", "+0.050\n[+0.030, +0.070]\nworse", "+0.000\n[-0.020, +0.020]"]]
    assert not phones.bold


@pytest.mark.parametrize(
    "difference, shown",
    [
        (Estimate(-0.002, -0.0035, -0.0002, 60, 0), "-0.002\n[-0.004, -0.000]\nworse"),
        (Estimate(0.0, 0.0, 0.0, 60, 0), "+0.000\n[+0.000, +0.000]"),
        (Estimate(0.1, math.nan, math.nan, 1, 59), "+0.100\n(no interval, 59 not scored)"),
        (NONE, "-\n(60 not scored)"),
    ],
)
def test_a_difference_at_the_edge_of_0(difference, shown):
    means = replace(summary([A, AV], [RANDOM], ("stoi",)), differences={("a", "av", "random", "stoi"): difference})
    assert difference_table(means, "a", "av").rows[0][1] == shown


@pytest.mark.parametrize(
    ("column", "mean", "called"),
    [("l1", -0.1, "better"), ("l1", 0.1, "worse"), ("stoi", -0.1, "worse"), ("stoi", 0.1, "better")],
)
def test_less_error_is_better_and_more_score_is(column, mean, called):
    difference = Estimate(mean, mean - 0.05, mean + 0.05, 60, 0)
    assert verdict(difference, COLUMNS[column], units=11, comparisons=1) == called


def test_answers_that_are_all_alike_are_called_neither_better_nor_worse():
    """Two that both gain 0.1: how far others are from that is not known. Rounding makes no width of none."""
    alike = Bootstrap(["a", "a"]).estimate(np.array([0.7 - 0.6, 0.8 - 0.7]))
    assert alike.mean == pytest.approx(0.1) and alike.high - alike.low < 1e-9
    assert verdict(alike, COLUMNS["stoi"], units=2, comparisons=1) == ""
    wide = Bootstrap(["a"] * 20).estimate(np.linspace(0.1, 0.2, 20))
    assert verdict(wide, COLUMNS["stoi"], units=20, comparisons=1) == "better"


def test_the_more_is_compared_the_further_from_0_an_interval_must_be():
    """Of 11 speakers, twenty comparisons need an interval 1.93 times as wide (Student's t of 0.99875 over 0.975)."""
    near, far = (Estimate(mean, mean - 0.05, mean + 0.05, 60, 0) for mean in (0.08, 0.11))
    assert [verdict(of, COLUMNS["stoi"], units=11, comparisons=1) for of in (near, far)] == ["better", "better"]
    assert [verdict(of, COLUMNS["stoi"], units=11, comparisons=20) for of in (near, far)] == ["", "better"]
    means = replace(summary([A, AV], 10 * [MS_800]), units=11)  # two columns
    near_0 = dict.fromkeys(means.differences, near)
    assert difference_table(replace(means, differences=near_0), "a", "av").bold == frozenset()
    assert "widened for 20 comparisons" in difference_table(means, "a", "av").caption
    none = dict.fromkeys(means.differences, NONE)
    assert difference_table(replace(means, differences=none), "a", "av").caption.endswith("the interval is clear of 0.")


def test_the_l1_of_a_sound_is_marked_and_is_not_the_best():
    theirs = System("a", of_sound=True)
    means = summary([UNPROCESSED, theirs, AV], [MS_800], ("l1", "stoi", "l1_share"))
    lowest = Estimate(0.1, 0.0, 0.2, 60, 0)
    means = with_estimates(means, {("a", "800ms", column): lowest for column in ("l1", "stoi", "l1_share")})
    table = condition_table(means, MS_800)
    assert [cell.split("\n")[0] for cell in table.rows[1]] == ["a", "", "", "", "0.100†", "0.100", "0.100†"]
    assert "† Of the sound's spectrum, since the system predicts none: compare it by LSD." in table.caption
    assert {(2, 4), (2, 5)} < table.bold and (1, 4) not in table.bold
    assert "†" not in length_table(means, COLUMNS["stoi"]).caption
    assert "†" in length_table(means, COLUMNS["l1"]).caption and r"0.100$\dagger$" in to_latex(table)
    means.by_speaker["s1"] = means.estimates
    assert speaker_table(means, MS_800).rows[1][3:] == ["0.100†", "0.100", "0.100†"]


def test_captions_tell_the_unit_of_l1_the_speakers_and_how_to_read_a_metric():
    one = replace(summary([A, AV], [MS_800], ("stoi", "plcmos")), speakers=1, units=60)
    caption = condition_table(one, MS_800).caption
    assert "95 % intervals (bootstrap over the utterances of one speaker) in brackets" in caption
    assert "takes a silent gap for clean speech" in caption and "stats.npz" not in caption
    for told in (length_table(one, COLUMNS["plcmos"]), difference_table(one, "a", "av"), system_table(one, AV)):
        assert "takes a silent gap for clean speech" in told.caption
    two = condition_table(replace(summary([A, AV], [MS_800]), stats="data/b/stats.npz"), MS_800)
    assert "The unit of L1, and the mean fill, are from data/b/stats.npz." in two.caption
    assert "bootstrap over speakers and utterances" in two.caption


def test_markdown_has_as_many_cells_in_every_row():
    table = Table("x", "a|b", ["a|b", "*c*"], "lr", [["_x_ a_mtl", "`1`"], ["<b>", "~\\"]], frozenset({(1, 0)}))
    text = to_markdown(table)
    assert text.startswith("a\\|b\n\n| a\\|b | \\*c\\* |\n| --- | ---: |\n")
    assert markdown_cells(text)[2:] == [["\\_x\\_ a_mtl", "\\`1\\`"], ["**\\<b>**", "\\~\\\\"]]
    piped = System("a|b", (True, False, False))
    means = replace(summary([A, AV], [RANDOM]), systems=[A, piped])
    for table in (
        condition_table(means, RANDOM),
        length_table(means, COLUMNS["l1"]),
        difference_table(means, "a", "av"),
    ):
        widths = {len(cells) for cells in markdown_cells(to_markdown(table))}
        assert widths == {len(table.header)} == {len(table.alignment)}


def test_latex_escapes_and_sets_intervals_below_the_mean():
    assert (
        to_latex(NASTY)
        == r"""\begin{table}
\centering
\caption{50~\% of \$x\_1\$\textbackslash{}}
\label{tab:a-b-c}
\medskip
\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%
\begin{tabular}{lcr}
\toprule
{}[a] & b\textbar{}c & {}* \\
\midrule
{}*x* & \textbf{\begin{tabular}[t]{@{}r@{}}$-$0.5 \\ \footnotesize [$-$1, 0]\end{tabular}} &  \\ \addlinespace[2pt]
\bottomrule
\end{tabular}}
\end{table}
"""
    )


def test_latex_leaves_hyphens_that_are_no_minus():
    table = difference_table(summary([A, AV], [Condition("field_1-2")], ("l1",)), "a", "av")
    assert table.label == "difference-a-av"
    assert (
        r"field\_1-2 & \textbf{\begin{tabular}[t]{@{}r@{}}$-$0.150 \\ \footnotesize [$-$0.170, $-$0.130] \\ "
        r"\footnotesize better\end{tabular}} \\ \addlinespace[2pt]"
    ) in to_latex(table).splitlines()


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="no pdflatex")
def test_latex_compiles(tmp_path):
    means = summary([UNPROCESSED, A, AV, ORACLE], [MS_800, Condition("field_1")], ("l1", "stoi", "pesq", "per"))
    missing = with_estimates(means, {("a", "800ms", "l1"): NONE, ("av", "800ms", "l1"): Estimate(0.5, 0.4, 0.6, 58, 2)})
    tables = [
        condition_table(missing, MS_800),
        length_table(missing, COLUMNS["l1"]),
        difference_table(missing, "a", "av"),
        NASTY,
        Table("rest", "#&{}^~<>|↑↓", ["a"], "l", [["\\"], ["[b]"]]),
    ]
    body = "\n".join(to_latex(table) for table in tables)
    document = tmp_path / "tables.tex"
    document.write_text(
        f"\\documentclass{{article}}\n\\usepackage{{booktabs,graphicx}}\n\\begin{{document}}\n{body}\\end{{document}}\n",
        encoding="utf-8",
    )
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", document.name]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout
    assert "Overfull" not in run.stdout


def test_figures_that_are_shown_alike_are_equally_good():
    means = summary([A, AV], [RANDOM], ("stoi",))
    close = {
        ("a", "random", "stoi"): Estimate(0.80004, 0.79, 0.81, 60, 0),
        ("av", "random", "stoi"): Estimate(0.79996, 0.79, 0.81, 60, 0),
    }
    assert condition_table(with_estimates(means, close), RANDOM).bold == {(0, 4), (1, 4)}
