"""Training in several processes: as in one with their batches together, whatever their number."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
import yaml
from conftest import corpus_config
from lightning.pytorch.plugins.environments import LightningEnvironment
from safetensors.torch import load_file

from avsi.errors import ConfigError
from avsi.training.checkpoints import LAST
from avsi.training.order import Shares, sort_in_pools
from avsi.training.processes import started, starts_others
from avsi.training.run import train

# Several runs after each other in the processes that torchrun starts, which takes the time of one start.
PROGRAM = """
import sys, yaml
from avsi.config_files import load_config
from avsi.training.run import train

for name, options in yaml.safe_load(open(sys.argv[1])):
    train(load_config([sys.argv[2]], options), name, progress=False)
"""


def losses(folder) -> np.ndarray:
    """Those of training and validation of each epoch, shape (n_epochs, 2)."""
    import csv

    rows = [row for path in sorted(folder.glob("logs/csv/*/metrics.csv")) for row in csv.DictReader(path.open())]
    names = ("train_loss_epoch", "valid_loss")
    return np.array([[float(row[name]) for row in rows if row[name]] for name in names]).T


@pytest.mark.slow
@pytest.mark.timeout(900)  # three processes import PyTorch
def test_two_processes_train_as_one_does_with_their_batches_together(corpus, tmp_path):
    config = corpus_config(corpus)
    settings = {
        "data": {name: getattr(config.data, name) for name in ("train", "valid", "stats", "valid_gaps")},
        "model": {"hidden": 24, "layers": 2},
        "training": {"max_epochs": 2, "batch_size": 4, "accelerator": "cpu", "precision": "32-true"},
    }
    against = ["training.adversarial=0.1", "training.feature_matching=0.1", "training.average=0.9"]
    runs = [
        ("whole", []),
        ("parts", ["training.max_epochs=1"]),
        ("parts", []),
        ("weighted", ["training.stoi_weight=0.1", "training.batch_size=3", "training.epoch_utterances=13"]),
        ("against", [*against, "training.max_epochs=1"]),
    ]
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(settings))
    (tmp_path / "runs.yaml").write_text(yaml.safe_dump([[str(tmp_path / name), sets] for name, sets in runs]))
    (tmp_path / "program.py").write_text(PROGRAM)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*command, tmp_path / "program.py", tmp_path / "runs.yaml", tmp_path / "run.yaml"],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr

    train(corpus_config(corpus, training={"batch_size": 8, "max_epochs": 3}), tmp_path / "one", progress=False)
    together = {"batch_size": 6, "stoi_weight": 0.1, "epoch_utterances": 13}
    train(corpus_config(corpus, training=together), tmp_path / "one_weighted", progress=False)
    whole, one = losses(tmp_path / "whole"), losses(tmp_path / "one")
    assert whole == pytest.approx(one[:2], abs=1e-5)
    assert losses(tmp_path / "weighted") == pytest.approx(losses(tmp_path / "one_weighted"), abs=1e-5)
    assert np.isfinite(losses(tmp_path / "against")).all()
    # Going on in as many processes is exact, and in one it is up to the noise of summation.
    weights = [load_file(tmp_path / name / "model.safetensors") for name in ("whole", "parts")]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    train(corpus_config(corpus, training={"max_epochs": 3}), tmp_path / "parts", progress=False)
    assert losses(tmp_path / "parts") == pytest.approx(one, abs=1e-5)
    checkpoint = torch.load(tmp_path / "parts" / LAST, weights_only=True)
    assert checkpoint["step_utterances"] == 8


@pytest.mark.parametrize("processes", [1, 2, 3, 5])
def test_processes_share_each_step_and_count_each_place_once(processes):
    places = list(range(13))
    shares = [Shares(len(places), 4, process, processes) for process in range(processes)]
    batches = [each.batches(places) for each in shares]
    for number, first in enumerate(range(0, 13, 4)):
        of_step = [of[number] for of, each in zip(batches, shares, strict=True) if each.has_own(number)]
        own = [place for batch in of_step for place in batch]
        assert own == places[first : first + 4] and len(own) == shares[0].size(number)
    assert {len(of) for of in batches} == {4} and all(batch for of in batches for batch in of)


def test_batches_of_like_lengths_hold_the_same_utterances_in_another_order():
    rng = np.random.default_rng(0)
    lengths = rng.uniform(1, 10, 103)
    pairs = [(int(place), 0) for place in rng.permutation(103)]
    ordered = sort_in_pools(pairs, lengths, 4, 5, np.random.default_rng(1))
    assert sorted(ordered) == sorted(pairs) and ordered != pairs
    steps = [lengths[[place for place, _ in ordered[first : first + 4]]] for first in range(0, 100, 4)]
    as_drawn = [lengths[[place for place, _ in pairs[first : first + 4]]] for first in range(0, 100, 4)]
    assert np.mean([np.ptp(step) for step in steps]) < 0.4 * np.mean([np.ptp(step) for step in as_drawn])
    assert [step.mean() for step in steps] != sorted(step.mean() for step in steps)
    # Only the last step has fewer; its utterances are the longest of the last pool.
    assert ordered[100:] == sorted(pairs[100:], key=lambda pair: lengths[pair[0]])


def test_a_job_of_slurm_whose_tasks_srun_did_not_start_waits_for_none(monkeypatch):
    for name, value in (("SLURM_NTASKS", "4"), ("SLURM_NNODES", "2"), ("SLURM_JOB_NAME", "train.sh")):
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=r"this job of Slurm has 4 tasks, .* start it by `srun avsi train \.\.\.`"):
        starts_others("auto")
    assert [type(plugin) for plugin in starts_others(1)] == [LightningEnvironment] and started() is None
    monkeypatch.setenv("SLURM_STEP_ID", "0")
    with pytest.raises(ConfigError, match=r"ask Slurm for --ntasks-per-node=2, not for --ntasks=4$"):
        started()
    monkeypatch.setenv("SLURM_NTASKS_PER_NODE", "2")
    assert started() == (2, 2) and starts_others("auto") == []
