"""Real training runs on the synthetic corpus, each of them seconds long."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
import yaml
from conftest import corpus_config
from lightning.pytorch import Callback
from safetensors.torch import load_file

from avsi.data.datadir import read_datadir
from avsi.data.stats import Stats
from avsi.errors import ConfigError, DataError, ModelError
from avsi.models.store import load_model
from avsi.training import LAST, train


def last_weights(folder) -> dict:
    return torch.load(folder / LAST, weights_only=True)["state_dict"]


def same(one: dict, two: dict) -> bool:
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


def metrics(folder) -> list[dict]:
    import csv

    rows = []
    for path in sorted(folder.glob("logs/csv/*/metrics.csv")):
        with path.open() as file:
            rows += list(csv.DictReader(file))
    return rows


def test_training_learns_and_leaves_what_is_needed_to_go_on_and_to_restore(corpus, tmp_path):
    config = corpus_config(corpus, training={"max_epochs": 6, "learning_rate": 3e-3})
    lowest = train(config, tmp_path / "run", progress=False)
    losses = [float(row["valid_loss"]) for row in metrics(tmp_path / "run") if row["valid_loss"]]
    assert len(losses) == 6
    assert lowest == pytest.approx(min(losses), abs=1e-6)
    assert losses[-1] < 0.85 * losses[0]
    model = load_model(tmp_path / "run")
    assert torch.equal(model.audio_mean, torch.from_numpy(Stats.load(config.data.stats).audio_mean))
    assert list((tmp_path / "run" / "logs" / "tensorboard").rglob("events.out.tfevents.*"))


def test_a_model_lists_all_that_it_learnt_from_also_before_and_by_its_statistics(corpus, tmp_path):
    first = corpus_config(corpus, training={"max_epochs": 1})
    train(first, tmp_path / "first", progress=False)
    ids = [utterance.id for utterance in read_datadir(corpus / "train")]
    assert (tmp_path / "first" / "train_ids").read_text().split() == ids
    later = corpus_config(corpus, training={"max_epochs": 1, "init": str(tmp_path / "first")})
    later.data.train = str(corpus / "valid")
    stats = replace(Stats.load(later.data.stats), ids=np.array(["s09_a", ids[0]]))
    later.data.stats = str(tmp_path / "stats.npz")
    stats.save(later.data.stats)
    train(later, tmp_path / "later", progress=False)
    met = {*ids, "s09_a", *(utterance.id for utterance in read_datadir(corpus / "valid"))}
    assert (tmp_path / "later" / "train_ids").read_text().split() == sorted(met)
    (tmp_path / "first" / "train_ids").unlink()
    with pytest.raises(ModelError, match=r"first: has no list of what it was trained on \(train_ids\)"):
        train(later, tmp_path / "unknown", progress=False)
    assert not (tmp_path / "unknown").exists()


@pytest.mark.parametrize("workers", [0, 2])
def test_the_same_seed_gives_the_same_weights_whatever_the_workers(corpus, tmp_path, workers):
    for name, count in (("one", 0), ("two", workers)):
        config = corpus_config(corpus, training={"workers": count, "cache": not count}, model={"dropout": 0.3})
        train(config, tmp_path / name, progress=False)
    assert same(last_weights(tmp_path / "one"), last_weights(tmp_path / "two"))
    other = corpus_config(corpus, training={"seed": 1}, model={"dropout": 0.3})
    train(other, tmp_path / "other", progress=False)
    assert not same(last_weights(tmp_path / "one"), last_weights(tmp_path / "other"))


@pytest.mark.slow
def test_a_run_that_goes_on_ends_where_an_unbroken_one_does(corpus, tmp_path):
    """Cut after each epoch, with a loss that stalls, so that the learning rate falls on the way."""

    def run(name: str, max_epochs: int) -> float:
        settings = {"max_epochs": max_epochs, "lr_patience": 1, "learning_rate": 1e-6, "patience": 50}
        return train(corpus_config(corpus, model={"dropout": 0.3}, training=settings), tmp_path / name, progress=False)

    run("whole", 8)
    for epochs in range(1, 9):
        lowest = run("parts", epochs)
    one, two = (torch.load(tmp_path / name / LAST, weights_only=True) for name in ("whole", "parts"))
    assert one["optimizer_states"][0]["param_groups"][0]["lr"] < 1e-6
    assert one["plateau"] == two["plateau"]
    assert same(one["state_dict"], two["state_dict"])
    assert same(*(load_file(tmp_path / name / "model.safetensors") for name in ("whole", "parts")))
    losses = [float(row["valid_loss"]) for row in metrics(tmp_path / "whole") if row["valid_loss"]]
    assert lowest == pytest.approx(min(losses), abs=1e-6)


@pytest.mark.slow
def test_a_killed_run_goes_on_and_ends_with_the_same_weights(corpus, tmp_path):
    config = corpus_config(corpus)
    overrides = {
        "data": {name: getattr(config.data, name) for name in ("train", "valid", "stats", "valid_gaps")},
        "model": {"hidden": 24, "layers": 2, "dropout": 0.2},
        "training": {"max_epochs": 12, "batch_size": 4, "accelerator": "cpu"},
    }
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(overrides))
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}

    def start(folder):
        command = [
            sys.executable,
            "-m",
            "avsi.cli",
            "train",
            "--config",
            str(tmp_path / "run.yaml"),
            "--out",
            str(folder),
        ]
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    killed = 0
    while True:
        run = start(tmp_path / "killed")
        checkpoint = tmp_path / "killed" / LAST
        before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else None
        while killed < 2 and run.poll() is None:
            now = checkpoint.stat().st_mtime_ns if checkpoint.exists() else None
            if now != before:  # an epoch was completed: somewhere in the next one
                time.sleep(0.02 + 0.05 * killed)
                run.send_signal(signal.SIGKILL)
                killed += 1
                break
            time.sleep(0.01)
        output, _ = run.communicate()
        if run.returncode == 0:
            break
        assert run.returncode == -signal.SIGKILL, output.decode()
    assert killed == 2
    whole = start(tmp_path / "whole")
    assert whole.wait() == 0
    assert same(last_weights(tmp_path / "whole"), last_weights(tmp_path / "killed"))


@pytest.mark.parametrize(("clip_norm", "largest"), [(0.0, float("inf")), (1e-3, 1.001e-3)])
def test_gradients_are_scaled_down_where_asked(corpus, tmp_path, clip_norm, largest):
    norms = []

    class Norms(Callback):
        def on_before_zero_grad(self, trainer, run, optimizer) -> None:
            gradients = [p.grad.norm() for p in run.model.parameters() if p.grad is not None]
            norms.extend([torch.stack(gradients).norm().item()] if gradients else [])

    config = corpus_config(corpus, training={"max_epochs": 1, "clip_norm": clip_norm})
    train(config, tmp_path / "run", progress=False, callbacks=[Norms()])
    assert len(norms) >= 2 and 5e-4 < max(norms) <= largest
    assert clip_norm or max(norms) > 1e-2


def test_early_stopping_counts_epochs_without_improvement(corpus, tmp_path):
    config = corpus_config(corpus, training={"max_epochs": 50, "patience": 2, "learning_rate": 0.0})
    train(config, tmp_path / "run", progress=False)
    losses = [row for row in metrics(tmp_path / "run") if row["valid_loss"]]
    assert len(losses) == 3
    train(config, tmp_path / "run", progress=False)
    assert len([row for row in metrics(tmp_path / "run") if row["valid_loss"]]) == 3


@pytest.mark.parametrize("setting", [{"devices": "many"}, {"accelerator": "abacus"}, {"precision": "fuzzy"}])
def test_hardware_that_is_not_there_is_said(corpus, tmp_path, setting):
    with pytest.raises(ConfigError, match=r"training\.accelerator, devices or precision"):
        train(corpus_config(corpus, training=setting), tmp_path / "run", progress=False)


def test_a_folder_of_another_run_is_not_touched(corpus, tmp_path):
    config = corpus_config(corpus, training={"max_epochs": 1})
    train(config, tmp_path / "run", progress=False)
    before = (tmp_path / "run" / LAST).read_bytes()
    with pytest.raises(DataError, match="holds a run with another config"):
        train(corpus_config(corpus, training={"seed": 5}), tmp_path / "run", progress=False)
    assert (tmp_path / "run" / LAST).read_bytes() == before


def test_a_damaged_checkpoint_is_named_and_the_best_model_kept(corpus, tmp_path):
    config = corpus_config(corpus, training={"max_epochs": 1})
    train(config, tmp_path / "run", progress=False)
    checkpoint = tmp_path / "run" / LAST
    for damaged in (checkpoint.read_bytes()[:5000], b"", b"text"):
        checkpoint.write_bytes(damaged)
        with pytest.raises(ModelError, match=r"last\.ckpt: damaged or incomplete; delete it to train anew"):
            train(config, tmp_path / "run", progress=False)
    load_model(tmp_path / "run")


def test_a_run_on_another_training_set_is_not_gone_on_with(corpus, tmp_path):
    config = corpus_config(corpus, training={"max_epochs": 1})
    train(config, tmp_path / "run", progress=False)
    ids = (tmp_path / "run" / "train_ids").read_text()
    assert ids.splitlines() == [f"s{speaker:02d}_clip{n}" for speaker in (1, 2) for n in range(6)]
    (tmp_path / "run" / "train_ids").write_text(ids.replace("s02_clip5\n", ""))
    with pytest.raises(DataError, match=r"holds a run on another training set \(.*train_ids\)"):
        train(config, tmp_path / "run", progress=False)


def test_statistics_of_other_features_are_refused(corpus, tmp_path):
    config = corpus_config(corpus, visual={"positions": True})
    with pytest.raises(
        DataError, match=r"has 136 visual statistics, but the config asks for 272; run data_prep\.stats"
    ):
        train(config, tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()
