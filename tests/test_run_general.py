"""What the recipe for unseen speakers refuses before it begins."""

import subprocess

import pytest
from conftest import RECIPE, run_app

from avsi.config_files import load_config
from avsi.data.datadir import Utterance, development_of, write_datadir
from data_prep import leave_out


def start(recipe, *options, cwd=None):
    command = ["bash", str(recipe / "run_general.sh"), *map(str, options)]
    return subprocess.run(command, cwd=cwd or recipe, capture_output=True, text=True)


def model_in(folder):
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--fold", "s04"], "--root must name the folder"),
        (["--root", "."], "name the speakers to leave out in turn"),
        (["--root", ".", "--fold", "s04", "--beside", "exp/a"], "exp/a: no model yet"),
        (["--stage", "6", "--beside", "exp/a"], "exp/a: no model yet"),
        (["--root", "nowhere", "--fold", "s04"], "nowhere: no such folder"),
        (["--root", ".", "--fold", "s04", "--models", "a b"], "--models b: no config conf/general_b.yaml"),
        (["--stage", "2", "--stop-stage", "2"], "name the speakers to leave out in turn"),
    ],
)
def test_what_a_later_stage_needs_is_asked_for_first(recipe, options, why):
    result = start(recipe, *options)
    assert result.returncode == 1 and result.stdout == ""
    assert result.stderr.startswith("error: ") and why in result.stderr and result.stderr.count("\n") == 1


def test_only_what_is_due_is_asked_for(recipe):
    result = start(recipe, "--stage", 4, "--stop-stage", 4, "--beside", "exp/a")
    assert (result.returncode, result.stderr) == (0, "") and result.stdout.count("avsi train") == 2


def test_the_folds_may_not_choose_the_epoch_and_validation_has_the_gaps_of_training(recipe):
    (recipe / "data/general/folds/s04/test").mkdir(parents=True)
    result = start(recipe, "--stage", 2, "--stop-stage", 3, "--fold", "s04")
    assert result.returncode == 0, result.stderr
    assert "data_prep.leave_out data/general/voices data/general/folds --fold s04 --valid data/general/valid" in (
        result.stdout
    )
    assert f"data_prep.gaps data/general/valid random --config {recipe}/conf/general.yaml" in result.stdout


@pytest.mark.parametrize(("speaker", "chosen_on"), [("s04", True), ("s16", False), ("mini0-s04", False)])
def test_speakers_on_whom_something_was_chosen_are_a_development_set(recipe, tmp_path, speaker, chosen_on):
    result = start(recipe, "--stage", 2, "--stop-stage", 2, "--fold", speaker)
    assert f"--fold {speaker} --valid data/general/valid --development {recipe}/conf/development.txt" in result.stdout
    write_datadir(tmp_path / "all", [Utterance(f"{of}_a", of, "a.wav", 1.0, ("bin",)) for of in (speaker, "s09")])
    options = ("--fold", speaker, "--development", recipe / "conf" / "development.txt")
    run_app(leave_out.app, tmp_path / "all", tmp_path / "folds", *options)
    found = development_of(tmp_path / "folds" / speaker / "test")
    assert ("were chosen on 80 clips of GRID's s2, s3, s4, s5, s10, s20, s22" in found) == bool(found) == chosen_on
    assert not development_of(tmp_path / "folds" / speaker / "train")


def test_families_and_the_models_of_all_have_one_name(recipe):
    result = start(recipe, "--stage", 6, "--stop-stage", 6)
    assert result.returncode == 0, result.stderr
    unseen, seen = (line for line in result.stdout.splitlines() if "evaluation.restore" in line)
    for model in ("a", "av"):
        assert f"--system general_{model}=exp/general/folds/*/{model} " in unseen
        assert f"--system general_{model}=exp/general/all/{model} " in seen
    assert seen.count("--system") == 5  # and three without a model


def test_predicted_opinions_are_scored_where_they_can_be(recipe):
    for script, evaluations in (("run.sh", ("paper",)), ("run_general.sh", ("general_unseen", "general_seen"))):
        command = ["bash", str(recipe / script), "--stage", "7", "--stop-stage", "7"]
        result = subprocess.run(command, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        for name in evaluations:
            options = "--metrics default,plcmos --if-installed --jobs 2"
            assert f"evaluation.score exp/evaluation/{name} {options}" in result.stdout


def test_models_to_test_beside_are_sought_from_where_the_caller_is(recipe, tmp_path):
    for folder in (tmp_path / "mine/x", recipe / "x", recipe / "exp/a"):
        model_in(folder)
    options = ("--stage", 6, "--stop-stage", 6, "--beside", "x exp/a")
    assert "--system x --system exp/a --out" in start(recipe, *options).stdout
    result = start(recipe, *options, cwd=tmp_path / "mine")
    assert f"--system {tmp_path}/mine/x --system exp/a --out" in result.stdout
    result = start(recipe, *options, "--smoke")
    assert f"--system {recipe}/x --system {recipe}/exp/a --out" in result.stdout


@pytest.mark.parametrize("stage", ["general", "general_tune"])
def test_both_models_are_trained_on_as_many_utterances(stage):
    a, av = (load_config([RECIPE / "conf" / f"{stage}_{model}.yaml"], []).training for model in ("a", "av"))
    assert (a.max_epochs, a.epoch_utterances, a.patience) == (av.max_epochs, av.epoch_utterances, av.patience)


@pytest.mark.parametrize("model", ["a", "av"])
def test_the_small_run_is_short(model):
    configs = [RECIPE / "conf" / name for name in (f"general_tune_{model}.yaml", "general_smoke.yaml")]
    training = load_config(configs, []).training
    assert (training.epoch_utterances, training.max_epochs, training.keep) == (0, 2, "last")
