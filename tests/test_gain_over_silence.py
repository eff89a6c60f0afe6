"""Against gaps that are left as they are: shares of the mean fill's error, and clips that became worse."""

import numpy as np
import pytest
from conftest import run_app
from summaries import MS_800, UNPROCESSED, A, summary

from avsi.errors import ConfigError
from avsi.metrics.registry import COLUMNS, MEAN_FILL
from evaluation import report
from evaluation.folder.evaluation import Evaluation
from evaluation.folder.rows import read_rows, write_rows
from evaluation.reporting.markdown import to_markdown
from evaluation.reporting.tables import harm_table, speaker_table
from evaluation.statistics.gain_over_silence import Harm, harm_of, l1_shares
from evaluation.statistics.intervals import Bootstrap, Estimate
from evaluation.statistics.summarize import summarize

NAN = float("nan")


def test_a_share_is_the_ratio_of_the_means_with_its_interval(evaluation):
    rows = {
        name: Evaluation.read(evaluation).set(name, "600ms").rows("scores.jsonl")
        for name in ("unprocessed", "interpolation")
    }
    filled, left = (np.array([row["l1"] for row in of.values()]) for of in rows.values())
    found = summarize(Evaluation.read(evaluation)).estimates
    share = found["interpolation", "600ms", "l1_share"]
    assert share.mean == pytest.approx(left.mean() / filled.mean(), abs=1e-9)
    assert share.mean != pytest.approx((left / filled).mean(), abs=1e-6)  # which is not the mean of the ratios
    assert share == Bootstrap(["s04"] * 4).estimate(left / filled, filled)
    assert found["unprocessed", "600ms", "l1_share"] == Estimate(1, 1, 1, 4, 0)


def test_differences_of_shares_and_phone_errors_weigh_as_their_means_do(evaluation):
    """So that the difference of two sets is that of their rates: all errors over all phones."""
    phones, per = [10, 40, 20, 30], {"interpolation": [0.5, 0.1, 0.2, 0.4], "oracle": [0.1, 0.3, 0.2, 0.1]}
    l1 = {"unprocessed": [1.0, 2.0, 4.0, 0.5], "interpolation": [0.8, 1.0, 4.4, 0.5], "oracle": [0.2, 1.0, 1.0, 0.25]}
    for system, values in l1.items():
        folder = evaluation / system / "600ms"
        rows = list(read_rows(folder / "scores.jsonl"))
        write_rows(folder / "scores.jsonl", [row | {"l1": value} for row, value in zip(rows, values, strict=True)])
        if system in per:
            told = zip(rows, per[system], phones, strict=True)
            heard = [{"id": row["id"], "per": rate, "phones": count, "failed": {}} for row, rate, count in told]
            write_rows(folder / "phones.jsonl", heard)
    found = summarize(Evaluation.read(evaluation), [("interpolation", "oracle")])
    of_per = found.differences["interpolation", "oracle", "600ms", "per"]
    of_share = found.differences["interpolation", "oracle", "600ms", "l1_share"]
    assert of_per.mean == pytest.approx(((1 + 12 + 4 + 3) - (5 + 4 + 4 + 12)) / 100)
    assert of_share.mean == pytest.approx(((0.2 + 1 + 1 + 0.25) - (0.8 + 1 + 4.4 + 0.5)) / 7.5)
    for difference, column in ((of_per, "per"), (of_share, "l1_share")):
        one, other = (found.estimates[system, "600ms", column].mean for system in ("interpolation", "oracle"))
        assert difference.mean == pytest.approx(other - one)
    assert of_per == Bootstrap(["s04"] * 4).estimate(np.subtract(per["oracle"], per["interpolation"]), np.array(phones))


def test_harm_is_counted_where_it_is_noticed_and_its_worst_is_named(evaluation):
    stoi = {
        "unprocessed": [0.5, 0.6, 0.7, 0.8],
        "interpolation": [0.4, 0.585, 0.95, 0.77],
        "oracle": [0.9, None, 0.69, 0.8],
    }
    for system, values in stoi.items():
        path = evaluation / system / "600ms" / "scores.jsonl"
        write_rows(path, [row | {"stoi": one} for row, one in zip(read_rows(path), values, strict=True)])
    harms = summarize(Evaluation.read(evaluation)).harms
    assert harms["interpolation", "600ms"] == Harm(2, 4, pytest.approx(-0.1), "s04_clip0")
    assert harms["oracle", "600ms"] == Harm(0, 3, pytest.approx(-0.01), "s04_clip2")
    assert ("unprocessed", "600ms") not in harms


def test_what_one_of_both_lacks_has_no_share_and_no_harm():
    scores = {"l1": np.array([0.3, NAN, 0.4, 0.5]), "stoi": np.array([0.5, NAN, 0.585, NAN])}
    silent = {"l1": np.array([0.6, 0.5, NAN, 0.0]), "stoi": np.array([0.53, 0.7, 0.6, NAN])}
    shares = l1_shares(scores, silent)
    assert shares["l1_share"] == pytest.approx([0.5, NAN, NAN, NAN], nan_ok=True)
    assert shares[MEAN_FILL] == pytest.approx([0.6, 0.5, NAN, NAN], nan_ok=True)
    assert l1_shares({"stoi": scores["stoi"]}, silent) == {} == l1_shares(scores, {"l1": np.zeros(4)})
    assert harm_of(scores, silent, "abcd") == Harm(1, 2, pytest.approx(-0.03), "a")  # 0.015 less is not noticed
    assert harm_of({"stoi": np.full(4, NAN)}, silent, "abcd") is None is harm_of({}, silent, "abcd")


def test_tables_tell_harm_and_speakers(evaluation):
    path = evaluation / "interpolation" / "600ms" / "scores.jsonl"
    write_rows(path, [row | {"stoi": 0.01} if row["id"] == "s04_clip2" else row for row in read_rows(path)])
    silent = Evaluation.read(evaluation).set("unprocessed", "600ms").rows("scores.jsonl")["s04_clip2"]["stoi"]
    table = harm_table(summarize(Evaluation.read(evaluation)))
    assert [row[0] for row in table.rows] == ["interpolation", "autoregression", "oracle", "model"]
    assert table.rows[0][1] == f"1 of 4\n({0.01 - silent:+.3f} s04_clip2)"
    run_app(report.app, evaluation, "--examples", 0)
    text = (evaluation / "report" / "results.md").read_text()
    assert "### Worse than silence" in text and f"| interpolation | 1 of 4 ({0.01 - silent:+.3f} s04_clip2) |" in text
    assert "### By speaker" not in text
    with pytest.raises(
        ConfigError, match=r"--metric l1_share: expected one that was scored: l1, stoi, pesq, pesq_raw$"
    ):
        run_app(report.app, evaluation, "--metric", "l1_share")


def test_the_table_by_speaker():
    of = {
        ("unprocessed", "800ms", "l1"): Estimate(0.9, NAN, NAN, 2, 0),
        ("a", "800ms", "l1"): Estimate(0.7, NAN, NAN, 1, 1),
        ("a", "800ms", "stoi"): Estimate(0.8, NAN, NAN, 2, 0),
    }
    one = summary([UNPROCESSED, A], [MS_800])
    one.by_speaker.update({"s02": of, "s10": {key: Estimate(0.5, NAN, NAN, 1, 0) for key in of}})
    assert one.columns == [COLUMNS["l1"], COLUMNS["stoi"]]
    assert to_markdown(speaker_table(one, MS_800)).splitlines()[2:] == [
        "| Speaker | Clips | System | L1 ↓ (training deviations) | STOI ↑ |",
        "| --- | ---: | --- | ---: | ---: |",
        "| s02 | 2 | unprocessed | 0.900 |  |",
        "| s02 | 2 | a | **0.700 (1 not scored)** | 0.800 |",
        "| s10 | 1 | unprocessed | **0.500** |  |",
        "| s10 | 1 | a | **0.500** | 0.500 |",
    ]
