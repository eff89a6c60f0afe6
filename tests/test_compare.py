import json

import numpy as np
import pytest
from conftest import run_app

from avsi.errors import ConfigError, DataError
from evaluation import compare
from evaluation.folder.evaluation import Evaluation
from evaluation.folder.rows import read_rows, write_rows

IDS = [f"s04_clip{n}" for n in range(4)]


def compared(evaluation, *arguments) -> dict[str, list[str]]:
    output = run_app(compare.app, evaluation, *arguments)
    # The arrow of each metric is left out.
    return {line.split()[1]: line.split()[3:] for line in output.splitlines() if len(line.split()) > 3}


def test_a_comparison_is_paired_and_has_an_interval(made):
    rows = compared(made, "unprocessed", "interpolation", "--require", "stoi")
    sets = [Evaluation.read(made).set(name, "600ms").rows("scores.jsonl") for name in ("unprocessed", "interpolation")]
    differences = np.array([sets[1][id_]["stoi"] - sets[0][id_]["stoi"] for id_ in IDS])
    assert float(rows["stoi"][2]) == pytest.approx(differences.mean(), abs=6e-4)
    assert float(rows["stoi"][3]) <= differences.mean() <= float(rows["stoi"][4])
    assert rows["stoi"][5:] == ["better", "4", "0"]
    with pytest.raises(
        DataError, match="unprocessed: not better than interpolation, or not clear of chance, in stoi, 600ms"
    ):
        run_app(compare.app, made, "interpolation", "unprocessed", "--require", "stoi")
    l1 = {name: np.mean([row["l1"] for row in rows.values()]) for name, rows in zip("ui", sets, strict=True)}
    better, worse = ({"u": "unprocessed", "i": "interpolation"}[name] for name in sorted(l1, key=l1.get))
    run_app(compare.app, made, worse, better, "--require", "l1")  # of L1, less is better
    with pytest.raises(DataError, match=r"not better .* in l1, 600ms"):
        run_app(compare.app, made, better, worse, "--require", "l1")
    with pytest.raises(ConfigError, match="--require loudness: expected one of l1, stoi, pesq"):
        run_app(compare.app, made, "unprocessed", "oracle", "--require", "loudness")
    with pytest.raises(ConfigError, match="has no system 'b', but unprocessed, interpolation"):
        run_app(compare.app, made, "oracle", "b")


def test_what_is_measured_on_the_sound_is_not_compared_with_predictions(made):
    output = run_app(compare.app, made, "interpolation", "autoregression")
    assert "l1 ↓" not in output and "l1_share ↓" not in output and "stoi ↑" in output
    assert (
        "L1 and L1 / mean fill: not compared, since only one of both predicts a spectrum; compare them by LSD."
        in output
    )
    assert "widened for 3 comparisons (Bonferroni)" in output
    with pytest.raises(ConfigError, match="--require l1: expected one of stoi, pesq, pesq_raw, scored for both"):
        run_app(compare.app, made, "interpolation", "autoregression", "--require", "l1")


def test_what_is_required_is_tested_alone(evaluation):
    """Named beforehand, it pays for no other comparison."""
    for system, step in (("unprocessed", 0), ("oracle", 0.1)):
        path = evaluation / system / "600ms" / "scores.jsonl"
        # From 0.06 to 0.44 where it is alone, from -0.09 to 0.59 among five.
        write_rows(path, [row | {"stoi": 0.5 + step * (1 + n)} for n, row in enumerate(read_rows(path))])
    alone = compared(evaluation, "unprocessed", "oracle", "--require", "stoi")
    assert (alone["stoi"][5], alone["l1"][5], alone["pesq"][5]) == ("better", "-", "-")
    together = compared(evaluation, "unprocessed", "oracle")
    assert (together["stoi"][5], together["l1"][5], together["pesq"][5]) == ("-", "better", "better")
    assert "widened for 5 comparisons" in run_app(compare.app, evaluation, "unprocessed", "oracle")


def test_what_has_no_value_is_counted_and_fails_only_where_it_is_required(evaluation):
    path = evaluation / "oracle" / "600ms" / "scores.jsonl"
    rows = list(Evaluation.read(evaluation).set("unprocessed", "600ms").rows("scores.jsonl").values())
    rows = [{**row, "pesq": None} for row in rows]
    rows = [{**row, "stoi": row["stoi"] + 0.1 + 0.001 * number if number else None} for number, row in enumerate(rows)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    shown_rows = compared(evaluation, "unprocessed", "oracle", "--require", "stoi")
    assert shown_rows["pesq"][1:] == ["nan", "nan", "nan", "nan", "-", "0", "4"]
    assert shown_rows["stoi"][2:] == ["0.102", "0.100", "0.104", "better", "3", "1"]
    with pytest.raises(DataError, match=r"not better .* in pesq, 600ms"):
        run_app(compare.app, evaluation, "unprocessed", "oracle", "--require", "pesq")
    path.write_text('{"id": "s04_clip0"\n')
    with pytest.raises(DataError, match=r"scores\.jsonl:1: expected a row in JSON"):
        run_app(compare.app, evaluation, "unprocessed", "oracle")
