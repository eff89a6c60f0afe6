"""The paper's experiment: its split by speaker, its five models, its table. As a whole on mini-GRID: `make paper`."""

import os
import subprocess
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from conftest import RATE, RECIPE, corpus_config, restored, run_app

from avsi.config_files import load_config
from avsi.data.datadir import corpus_of, read_datadir
from avsi.data.gap_files import read_gap_file
from avsi.data.stats import Stats
from avsi.media.sound_writing import write_wav
from avsi.models.store import load_model
from avsi.training.run import train
from data_prep import stats
from data_prep.corpus import Corpus
from data_prep.grid.__main__ import app
from data_prep.grid.sentences import all_stems
from data_prep.mini_grid import __main__ as mini_grid
from evaluation import recognize, report, score
from evaluation.folder.evaluation import Evaluation

SPEAKERS = {  # Morrone et al. (2021), section 3.1; speaker 21 has no video
    "train": [*range(1, 21), 22, 23, 24, 25, 28],
    "valid": [26, 27, 29, 31],
    "test": [30, 32, 33, 34],
}
MODELS = {"a": "A", "v": "V", "av": "AV", "a_mtl": "A MTL", "av_mtl": "AV MTL"}


def speakers_of(data) -> dict[str, list[str]]:
    return {name: [utterance.speaker for utterance in read_datadir(data / name)] for name in SPEAKERS}


def table_of(results: str, condition: str) -> dict[str, dict[str, str]]:
    """The rows of a condition's table in results.md by system, the cells by the first word of their column."""
    lines = results[results.index(f"Gaps: {condition}.") :].splitlines()
    lines = lines[next(n for n, line in enumerate(lines) if line.startswith("| System")) :]
    header, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines[: lines.index("")])
    names = [name.partition(" ↓")[0].partition(" ↑")[0] for name in header]
    return {row[0]: dict(zip(names, row, strict=True)) for row in rows}


def check_table(table: dict[str, dict[str, str]]) -> None:
    """Each model is a row that says what it senses and learns, with a value in each of the paper's columns."""
    assert [name for name in table if name in MODELS] == list(MODELS)
    for name, senses in MODELS.items():
        row = table[name]
        assert " ".join(filter(None, ["A" * bool(row["A"]) + "V" * bool(row["V"]), "MTL" * bool(row["MTL"])])) == senses
        values = {column: float(row[column].strip("*").split(" ")[0]) for column in ("L1", "PER", "STOI", "PESQ")}
        assert 0 < values["L1"] < 3 and values["PER"] > 0 and 0 < values["STOI"] < 1 and 1 <= values["PESQ"] < 4.6
    assert float(table["oracle"]["L1"].split(" ")[0]) == 0


def test_the_split_gives_each_set_the_papers_speakers(tmp_path):
    corpus = tmp_path / "corpus"
    for number, stem in zip(chain(*SPEAKERS.values()), all_stems(), strict=False):
        (corpus / f"s{number}").mkdir(parents=True)
        write_wav(corpus / f"s{number}" / f"{stem}.wav", np.zeros(3 * RATE, np.float32), RATE)
    Corpus("mini-GRID seed 5", "mini5-").save(corpus)
    output = run_app(app, "--root", corpus, "--out", tmp_path / "data", "--split", "paper", "--jobs", 1)
    assert speakers_of(tmp_path / "data") == {
        name: [f"mini5-s{number:02d}" for number in numbers] for name, numbers in SPEAKERS.items()
    }
    assert "left out 0" in output and {corpus_of(tmp_path / "data" / name) for name in SPEAKERS} == {"mini-GRID seed 5"}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_report_has_the_papers_rows_and_columns(corpus, tmp_path):
    """Of models trained for one epoch by the recipe's configs, on synthetic utterances."""
    conf, over = RECIPE / "conf", RECIPE / "conf" / "tiny.yaml"
    run_app(
        stats.app, corpus / "train", "--config", conf / "av.yaml", "--config", over, "--out", tmp_path / "stats.npz"
    )
    for name in (*MODELS, "recognizer"):
        config = load_config([conf / f"{name}.yaml", over])
        config.data = corpus_config(corpus).data
        config.data.stats, config.data.lexicon = str(tmp_path / "stats.npz"), str(conf / "lexicon.txt")
        train(config, tmp_path / name, progress=False)
    out = tmp_path / "evaluation"
    restored(corpus, out, "unprocessed", *(tmp_path / name for name in MODELS), "oracle")
    run_app(score.app, out, "--metrics", "l1,stoi,pesq", "--jobs", 1)
    run_app(recognize.app, out, "--recognizer", tmp_path / "recognizer", "--jobs", 1)
    run_app(report.app, out, "--examples", 0, "--jobs", 1)
    check_table(table_of((out / "report" / "results.md").read_text(), "600 ms"))


@pytest.mark.recipe
@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_recipe_leads_from_the_corpus_to_the_papers_table(tmp_path):
    """run.sh as it is, but for small models and two conditions, on 33 drawn speakers with a sentence each."""
    corpus, work, protocol = tmp_path / "corpus", tmp_path / "work", tmp_path / "two.yaml"
    run_app(mini_grid.app, "--out", corpus, "--speakers", 34, "--without", 21, "--sentences", 1)
    protocol.write_text("gaps: [random, 400]\nseed: 0\n")
    options = ["--grid", corpus, "--over", RECIPE / "conf" / "tiny.yaml", "--protocol", protocol, "--work", work]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run([RECIPE / "run.sh", *options], cwd=tmp_path, env=environment, check=True)
    check_work(work)


def check_work(work: Path) -> None:
    """What each stage wrote."""
    data, exp, evaluation = work / "data", work / "exp", work / "exp" / "evaluation" / "two"
    assert speakers_of(data) == {name: [f"mini0-s{n:02d}" for n in numbers] for name, numbers in SPEAKERS.items()}
    assert {corpus_of(data / name) for name in SPEAKERS} == {"mini-GRID seed 0"}
    assert (data / "left_out").read_text() == (data / "notes").read_text() == ""
    sets = {name: read_datadir(data / name) for name in SPEAKERS}
    for utterance in chain(*sets.values()):
        assert (
            utterance.id.startswith(f"{utterance.speaker}_") and utterance.landmarks and len(utterance.alignment) == 6
        )
    ids = {name: [utterance.id for utterance in utterances] for name, utterances in sets.items()}
    assert Stats.load(data / "train" / "stats.npz").ids.tolist() == ids["train"]
    for name, gaps in (("valid", "gaps_random"), ("test", "gaps_random"), ("test", "gaps_400ms")):
        assert sorted(read_gap_file(data / name / gaps)) == ids[name]
    for name in (*MODELS, "recognizer"):
        assert (exp / name / "train_ids").read_text().split() == ids["train"]
        config = load_model(exp / name).config
        assert (config.model.layers, config.model.hidden) == (1, 16)
    systems = ["unprocessed", "interpolation", "autoregression", *MODELS, "oracle"]
    assert [name for name in Evaluation.read(evaluation).systems if name in systems] == systems
    for one in Evaluation.read(evaluation).sets:
        assert sorted(one.wavs) == sorted(one.rows("scores.jsonl")) == sorted(one.rows("phones.jsonl")) == ids["test"]
    for name in ("results.md", "tables.tex", "summary.csv", "index.html"):
        assert (evaluation / "report" / name).stat().st_size > 0
    results = (evaluation / "report" / "results.md").read_text()
    assert results.startswith("## two: mini-GRID seed 0, split paper\n")
    for condition in ("random", "400 ms"):
        table = table_of(results, condition)
        check_table(table)
        assert [name for name in table if name in systems] == systems
