import csv
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from conftest import BASELINES, restored, run_app

from avsi.data.datadir import read_datadir, write_datadir
from avsi.errors import ConfigError, DataError
from avsi.metrics.registry import COLUMNS
from evaluation import report, results, score
from evaluation.folder.evaluation import Evaluation
from evaluation.folder.rows import read_rows, write_rows
from evaluation.reporting.examples import examples_of
from evaluation.statistics.comparisons import ablation_pairs
from evaluation.statistics.intervals import Bootstrap
from evaluation.statistics.summarize import summarize

IDS = [f"s04_clip{n}" for n in range(4)]


@pytest.mark.slow
def test_a_report_holds_the_means_of_the_scores(corpus, evaluation, tmp_path):
    run_app(report.app, evaluation, "--examples", 2, "--system", "oracle", "--jobs", 1)
    out = evaluation / "report"
    assert {path.name for path in out.iterdir()} == {"results.md", "tables.tex", "summary.csv", "index.html"}
    sets = {name: Evaluation.read(evaluation).set(name, "600ms").rows("scores.jsonl") for name in ("model", "oracle")}
    lines = list(csv.DictReader((out / "summary.csv").read_text().splitlines()))
    found = {(line["system"], line["metric"]): line for line in lines}
    for name, rows in sets.items():
        mean = np.mean([row["stoi"] for row in rows.values()])
        assert float(found[name, "stoi"]["mean"]) == pytest.approx(mean, abs=1e-6)
        assert (found[name, "stoi"]["scored"], found[name, "stoi"]["missing"]) == ("4", "0")
        assert re.search(rf"^\| {name} \|.*{mean:.3f} \[", (out / "results.md").read_text(), re.MULTILINE)
    text = (out / "results.md").read_text()
    assert (
        "4 utterances of s04 in" in text
        and "unnamed corpus" in text
        and "training seed 0" in text
        and "600ms drawn with seed 0" in text
    )
    assert json.loads((evaluation / "evaluation.json").read_text())["runs"][0]["command"] in text
    assert r"\begin{table}" in (out / "tables.tex").read_text()
    page = (out / "index.html").read_text()
    assert page.count("s04_clip") >= 2


@pytest.mark.slow
def test_curves_are_drawn_over_several_lengths(corpus, evaluation, tmp_path):
    gaps = tmp_path / "gaps_250ms"
    gaps.write_text("".join(f"{id_} 0.5 0.75\n" for id_ in IDS))
    restored(corpus, evaluation, "interpolation", "oracle", gaps=gaps)
    with pytest.warns(match="unprocessed/250ms: not restored"):
        run_app(score.app, evaluation, "--jobs", 1, "--metrics", "l1")
        run_app(report.app, evaluation, "--examples", 0)
        run_app(results.app, evaluation, "--out", tmp_path / "RESULTS.md")
    assert (evaluation / "report" / "curves.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "RESULTS_evaluation.png").read_bytes().startswith(b"\x89PNG")
    text = (tmp_path / "RESULTS.md").read_text()
    assert "](RESULTS_evaluation.png)" in text and "Blank cells were not measured." in text
    assert not (evaluation / "report" / "index.html").exists()


@pytest.mark.parametrize(("metric", "best", "worst"), [("l1", 0, 3), ("stoi", 3, 0)])
def test_the_worst_example_is_the_one_with_most_error_or_least_score(evaluation, metric, best, worst):
    path = evaluation / "interpolation" / "600ms" / "scores.jsonl"
    write_rows(path, [row | {metric: 0.1 + 0.2 * number} for number, row in enumerate(read_rows(path))])
    examples = examples_of(Evaluation.read(evaluation), "interpolation", COLUMNS[metric], 3)
    found = {example.rank: example.id for example in examples}
    assert (found["best"], found["worst"]) == (IDS[best], IDS[worst])


def test_utterances_that_were_not_scored_yet_are_no_examples(evaluation):
    """Scored without a value, one is."""
    path = evaluation / "interpolation" / "600ms" / "scores.jsonl"
    rows = list(read_rows(path))
    write_rows(path, [rows[0], rows[1] | {"stoi": None, "failed": {"stoi": "why"}}])
    examples = examples_of(Evaluation.read(evaluation), "interpolation", COLUMNS["stoi"], 24)
    assert [(example.id, example.rank) for example in examples] == [(IDS[0], "best"), (IDS[1], "not scored")]


def test_pairs_that_tell_something_differ_in_one_thing(made):
    senses = {
        "a": [1, 0, 0],
        "av_mtl": [1, 1, 1],
        "v": [0, 1, 0],
        "a_mtl": [1, 0, 1],
        "av": [1, 1, 0],
        "av2": [1, 1, 0],
    }
    about = {name: {"senses": [bool(has) for has in of]} for name, of in senses.items()}
    about["av2"] = about["av"]
    about["interpolation"] = {}
    found = set(ablation_pairs(Evaluation(made, {"systems": about})))
    assert found == {
        ("a", "av"), ("a", "av2"), ("a", "a_mtl"), ("v", "av"), ("v", "av2"),
        ("av", "av_mtl"), ("av2", "av_mtl"), ("a_mtl", "av_mtl"),
    }  # fmt: skip


def test_what_cannot_be_ranked_is_refused(made):
    with pytest.raises(ConfigError, match="--metric loudness: expected one that was scored: l1, stoi, pesq, pesq_raw"):
        run_app(report.app, made, "--metric", "loudness")
    with pytest.raises(ConfigError, match="has no system 'b'"):
        run_app(report.app, made, "--system", "b")


def test_intervals_are_over_the_speakers_that_there_are(evaluation):
    """Half of the utterances given to another speaker: the interval is that of two speakers, not of one."""
    one = summarize(Evaluation.read(evaluation)).estimates["interpolation", "600ms", "stoi"]
    utterances = read_datadir(evaluation / "clean")
    speakers = ["s04", "s04", "s05", "s05"]
    write_datadir(evaluation / "clean", [replace(u, speaker=s) for u, s in zip(utterances, speakers, strict=True)])
    two = summarize(Evaluation.read(evaluation)).estimates["interpolation", "600ms", "stoi"]
    rows = Evaluation.read(evaluation).set("interpolation", "600ms").rows("scores.jsonl")
    values = np.array([rows[id_]["stoi"] for id_ in IDS])
    assert two == Bootstrap(speakers).estimate(values)
    assert two.mean == one.mean and two.high - two.low > 2 * (one.high - one.low)


@pytest.mark.slow
def test_a_report_is_made_of_what_there_is(corpus, evaluation, model):
    """A system without scores, an utterance without its sound."""
    restored(corpus, evaluation, f"later={model}")
    wavs = evaluation / "oracle" / "600ms" / "wav.scp"
    wavs.write_text(wavs.read_text().replace("s04_clip0.wav", "gone.wav"))
    with pytest.warns(match=r"s04_clip0, 600ms: not on the page: .*gone\.wav: no such file"):
        run_app(report.app, evaluation, "--jobs", 1)
    page = (evaluation / "report" / "index.html").read_text()
    assert "s04_clip1" in page and "s04_clip0" not in page
    lines = list(csv.DictReader((evaluation / "report" / "summary.csv").read_text().splitlines()))
    assert {line["system"] for line in lines} == {*BASELINES, "model"}
    with pytest.raises(DataError, match="later was not scored in stoi"):
        run_app(report.app, evaluation, "--system", "later")
