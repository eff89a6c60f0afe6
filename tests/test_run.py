"""What the recipe on GRID refuses before it begins, and where it looks and writes."""

import subprocess

import pytest

from data_prep.grid.splits import SPLITS

FIVE = ("a", "v", "av", "a_mtl", "av_mtl")


def start(recipe, *options, cwd=None):
    command = ["bash", str(recipe / "run.sh"), *map(str, options)]
    return subprocess.run(command, cwd=cwd or recipe, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ([], "--grid must name the folder that holds GRID"),
        (["--grid", "nowhere"], "--grid nowhere: no such folder"),
        (["--grid", "run.sh"], "--grid run.sh: no such folder"),
        (["--grid", ".", "--split", "papper"], "--split papper: neither paper, "),
        (["--grid", ".", "--configs", "conf/a.yaml conf/b.yaml"], "--configs conf/b.yaml: no such file"),
        (["--stage", "4", "--configs", "b.yaml"], "--configs b.yaml: no such file"),
        (["--grid", ".", "--over", "small.yaml"], "--over small.yaml: no such file"),
        (["--grid", ".", "--protocol", "mine.yaml"], "--protocol mine.yaml: no such file"),
        (["--stage", "6", "--protocol", "conf"], "--protocol conf: no such file"),
        (["--grid", ".", "--gap-ms", "200", "--protocol", "mine.yaml"], "--protocol and --gap-ms both say which gaps"),
        (["--grid", ".", "--gap-ms", "0"], "'0': expected a gap's length in ms"),
        (["--grid", ".", "--stage", "9"], "there is no stage from 9 to 8"),
        (["--grid", ".", "--jobs", "0"], "--jobs 0: expected 1 or more"),
        (["--grid", ".", "--jobs", "two"], "'two': stages and jobs are whole numbers"),
        (["--grid"], "--grid needs a value"),
        (["--gird", "."], "unknown option --gird"),
        (["--smoke", "--grid", "nowhere"], "--grid nowhere: no such folder"),
        (["--smoke", "--configs", "conf/a.yaml"], "--smoke compares two models"),
        (["--smoke", "--work", "mine"], "--smoke makes its folder, smoke/, anew"),
    ],
)
def test_what_a_later_stage_needs_is_asked_for_first(recipe, options, why):
    before = sorted(recipe.iterdir())
    result = start(recipe, *options)
    assert result.returncode == 1 and result.stdout == ""
    assert result.stderr.startswith("error: ") and why in result.stderr and result.stderr.count("\n") == 1
    assert sorted(recipe.iterdir()) == before


def test_only_what_is_due_is_asked_for(recipe):
    result = start(recipe, "--stage", 8, "--configs", "conf/of_a_model_that_is_there.yaml")
    assert (result.returncode, result.stderr) == (0, "") and "evaluation.report exp/evaluation/paper" in result.stdout


@pytest.mark.parametrize("split", SPLITS)
def test_every_split_that_has_a_name_is_known(recipe, split):
    result = start(recipe, "--grid", ".", "--split", split, "--stop-stage", 0)
    assert result.returncode == 0, result.stderr
    assert f"data_prep.grid --root {recipe} --out data --split {split} " in result.stdout


def test_files_are_sought_from_where_the_caller_is_and_then_in_the_recipe(recipe, tmp_path):
    mine = tmp_path / "mine"
    (mine / "corpus").mkdir(parents=True)
    for name in ("split", "gaps.yaml", "mine.yaml", "over.yaml"):
        (mine / name).touch()
    (recipe / "data").mkdir()
    options = ["--grid", "corpus", "--split", "split", "--protocol", "gaps.yaml", "--over", "over.yaml"]
    result = start(recipe, *options, "--configs", "mine.yaml conf/av.yaml", "--stop-stage", 5, cwd=mine)
    assert result.returncode == 0, result.stderr
    assert f"data_prep.grid --root {mine}/corpus --out data --split {mine}/split " in result.stdout
    assert f"data_prep.stats data/train --config {recipe}/conf/av.yaml --config {mine}/over.yaml" in result.stdout
    assert f"data_prep.gaps data/test --protocol {mine}/gaps.yaml" in result.stdout
    assert [line for line in result.stdout.splitlines() if line.startswith("avsi train")] == [
        f"avsi train --config {config} --config {mine}/over.yaml --out exp/{name}"
        for name, config in (
            ("mine", f"{mine}/mine.yaml"),
            ("av", f"{recipe}/conf/av.yaml"),
            ("recognizer", f"{recipe}/conf/recognizer.yaml"),
        )
    ]


def test_by_default_there_are_five_models_in_the_recipe_itself(recipe, tmp_path):
    for folder in (recipe / "data", tmp_path / "conf"):
        folder.mkdir()
    (tmp_path / "conf" / "a.yaml").touch()  # is not taken for the recipe's
    result = start(recipe, "--grid", recipe, "--stop-stage", 4, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    trained = [line for line in result.stdout.splitlines() if line.startswith("avsi train")]
    assert trained == [f"avsi train --config {recipe}/conf/{name}.yaml --out exp/{name}" for name in FIVE]
    assert (recipe / "data" / "lexicon.txt").read_text() == (recipe / "conf" / "lexicon.txt").read_text()


def test_another_folder_to_work_in(recipe, tmp_path):
    options = ("--work", "work/here", "--stage", 2, "--stop-stage", 2)
    assert "data/lexicon.txt" in start(recipe, *options, cwd=tmp_path).stderr  # nothing is prepared yet
    (tmp_path / "work" / "here" / "data").mkdir()
    result = start(recipe, *options, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "work" / "here" / "data" / "lexicon.txt").is_file() and not (recipe / "data").exists()


def test_the_small_run_draws_its_corpus_or_takes_one(recipe, tmp_path):
    (recipe / "smoke" / "left").mkdir(parents=True)
    result = start(recipe, "--smoke", "--stop-stage", 1)
    assert result.returncode == 0, result.stderr
    assert list((recipe / "smoke").iterdir()) == []  # begun anew
    assert "data_prep.mini_grid --out corpus --jobs 2\n" in result.stdout
    assert "data_prep.grid --root corpus --out data --split speaker-independent " in result.stdout
    result = start(recipe, "--smoke", "--stop-stage", 1, "--grid", tmp_path)
    assert "mini_grid" not in result.stdout and f"data_prep.grid --root {tmp_path} " in result.stdout


def test_the_small_run_makes_two_small_models(recipe):
    result = start(recipe, "--smoke", "--stage", 4, "--stop-stage", 4)
    assert result.stdout.splitlines()[1:] == [
        f"avsi train --config {recipe}/conf/{name}.yaml --config {recipe}/conf/smoke.yaml --out exp/{name}"
        for name in ("a", "av")
    ]


def test_a_folder_that_cannot_be_made_stops_it(recipe, tmp_path):
    (tmp_path / "file").touch()
    result = start(recipe, "--work", "file/here", "--stage", 3, "--stop-stage", 3, cwd=tmp_path)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == "error: --work file/here: cannot be made\n"


def test_models_that_are_told_what_is_said_restore_with_the_words_and_their_times_too(recipe):
    (recipe / "data").mkdir()
    prepared = start(recipe, "--configs", "conf/a.yaml conf/av_text.yaml", "--stage", 2, "--stop-stage", 2)
    assert prepared.returncode == 0, prepared.stderr
    assert "data_prep.align data/train data/valid data/test --lexicon data/lexicon.txt" in prepared.stdout
    assert "data_prep.align" not in start(recipe, "--stage", 2, "--stop-stage", 2).stdout
    for name in ("a", "av_text"):
        (recipe / "exp" / name).mkdir(parents=True)
        (recipe / "exp" / name / "config.json").touch()
    restored = start(recipe, "--configs", "conf/a.yaml conf/av_text.yaml", "--stage", 6, "--stop-stage", 6).stdout
    for system in ("exp/a", "exp/av_text", "av_text_words=exp/av_text:words", "av_text_times=exp/av_text:times"):
        assert f"--system {system} " in restored
    assert "exp/a:words" not in restored
