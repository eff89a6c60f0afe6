"""Real training runs on the synthetic corpus, each of them seconds long."""

import os
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import yaml
from conftest import RATE, corpus_config, small_config
from lightning.pytorch import Callback
from safetensors.torch import load_file

from avsi.config import TrainingConfig
from avsi.config_files import load_config
from avsi.data.datadir import read_datadir, write_datadir
from avsi.data.features import load_features
from avsi.data.gap_files import read_gap_file, write_gap_file
from avsi.data.gaps import Gap, gap_spans, lost_frames
from avsi.data.stats import Stats
from avsi.errors import ConfigError, DataError, ModelError
from avsi.models.inpainter import BLSTMInpainter
from avsi.models.store import load_model, read_description, save_model, start_from
from avsi.training.checkpoints import LAST, BestAndLast
from avsi.training.lightning_module import TrainingRun
from avsi.training.order import draw_order
from avsi.training.run import train


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


@pytest.mark.parametrize(("keep", "epoch"), [("best", 1), ("last", 3)])
def test_the_best_epoch_is_kept_or_the_last(corpus, tmp_path, keep, epoch):
    config = corpus_config(corpus, training={"keep": keep})
    kept = BestAndLast(tmp_path, TrainingRun(config, Stats.load(config.data.stats)))
    for number, loss in enumerate([0.9, 0.5, 0.7, 0.6]):
        trainer = SimpleNamespace(
            callback_metrics={"valid_loss": loss},
            current_epoch=number,
            is_global_zero=True,
            precision="32-true",
            should_stop=False,
            save_checkpoint=lambda *_, **__: None,
        )
        kept.on_train_epoch_end(trainer)
    assert kept.lowest == 0.5
    about = {"epoch": epoch, "valid_loss": [0.9, 0.5, 0.7, 0.6][epoch], "precision": "32-true"}
    assert read_description(tmp_path)["about"] == about


def test_all_utterances_come_once_before_any_comes_again():
    settings, rng = TrainingConfig(epoch_utterances=12), np.random.default_rng(0)
    pairs = draw_order(["s01"] * 4 + ["s02"], [True] * 5, settings, rng)
    assert [repeat for _, repeat in pairs] == [0] * 5 + [1] * 5 + [2] * 2
    order = [place for place, _ in pairs]
    assert sorted(order[:5]) == sorted(order[5:10]) == list(range(5)) and len(set(order[10:])) == 2
    assert len(draw_order(["s01"] * 7, [True] * 7, TrainingConfig(), rng)) == 7


@pytest.mark.parametrize(("balance", "share"), [(0.5, 0.25), (0.0, 0.5)])
def test_speakers_of_few_clips_are_drawn_more_often(balance, share):
    settings = TrainingConfig(balance=balance, epoch_utterances=20000)
    speakers = ["s01"] * 90 + ["s02"] * 10
    order = np.array(draw_order(speakers, [True] * 100, settings, np.random.default_rng(0)))[:, 0]
    assert np.mean(order >= 90) == pytest.approx(share, abs=0.02)
    assert set(order) == set(range(100))


@pytest.mark.parametrize(("balance", "few"), [(1.0, 0.1), (0.0, 0.5)])
def test_a_share_of_the_epoch_is_filmed_and_speakers_are_balanced_within_both_parts(balance, few):
    settings = TrainingConfig(balance=balance, filmed=0.4, epoch_utterances=20000)
    speakers = ["heard"] * 800 + ["s01"] * 90 + ["s02"] * 10
    filmed = [False] * 800 + [True] * 100
    order = np.array(draw_order(speakers, filmed, settings, np.random.default_rng(0)))[:, 0]
    assert np.mean(order >= 800) == pytest.approx(0.4, abs=0.02)
    assert np.mean(order[order >= 800] >= 890) == pytest.approx(few, abs=0.02)
    one_kind = np.array(draw_order(speakers, [False] * 900, settings, np.random.default_rng(0)))[:, 0]
    assert set(one_kind) == set(range(900))  # where nothing is filmed, there is no share to keep


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.usefixtures("cache")
def test_the_same_seed_gives_the_same_weights_whatever_the_workers_and_wherever_features_are(corpus, tmp_path, workers):
    for name, count, place in (("one", 0, "none"), ("two", workers, "disk")):
        config = corpus_config(corpus, training={"workers": count, "cache": place}, model={"dropout": 0.3})
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
@pytest.mark.timeout(900)  # it starts a process, which imports PyTorch
def test_a_killed_run_goes_on_and_ends_with_the_same_weights(corpus, tmp_path):
    config = corpus_config(corpus)
    overrides = {
        "data": {name: getattr(config.data, name) for name in ("train", "valid", "stats", "valid_gaps")},
        "model": {"hidden": 24, "layers": 2, "dropout": 0.2},
        "training": {"max_epochs": 8, "batch_size": 4, "accelerator": "cpu"},
    }
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(overrides))
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    options = ["--config", str(tmp_path / "run.yaml"), "--out", str(tmp_path / "killed")]
    command = [sys.executable, "-m", "avsi.cli", "train", *options]

    checkpoint = tmp_path / "killed" / LAST
    run = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    while run.poll() is None and not checkpoint.exists():
        time.sleep(0.01)
    time.sleep(0.05)  # an epoch was completed: somewhere in a next one
    run.send_signal(signal.SIGKILL)
    output, _ = run.communicate()
    assert run.returncode == -signal.SIGKILL, output.decode()
    for name in ("killed", "whole"):
        train(load_config([tmp_path / "run.yaml"]), tmp_path / name, progress=False)
    assert same(last_weights(tmp_path / "whole"), last_weights(tmp_path / "killed"))


@pytest.mark.slow
@pytest.mark.parametrize(("average", "batch_size"), [(0.0, 1), (0.8, 1), (0.8, 4)])
def test_the_validation_loss_is_that_of_the_saved_model_on_the_validation_set_as_it_is(
    corpus, tmp_path, average, batch_size
):
    """Weighted by lost bins, whatever falls into a batch; nothing of it is varied."""
    settings = {"max_epochs": 2, "learning_rate": 3e-3, "average": average, "batch_size": batch_size}
    augment = {"tempo": 0.1, "contrast": 0.3, "noise": 1.0}
    config = corpus_config(corpus, training=settings, augment=augment, model={"video": False})
    gaps = {"s03_clip0": [Gap(0.3, 2.3)], "s03_clip1": [Gap(0.5, 0.56)], "s03_clip2": [Gap(1.0, 1.06)]}
    config.data.valid_gaps = str(tmp_path / "gaps")
    write_gap_file(config.data.valid_gaps, gaps)
    lowest = train(config, tmp_path / "run", progress=False)
    saved = load_model(tmp_path / "run")
    total, bins, means = 0.0, 0, []
    for utterance in read_datadir(corpus / "valid"):
        log_spectrum, visual, *_ = load_features(utterance, config)
        n_samples = round(utterance.duration_s * RATE)
        spans = gap_spans(gaps[utterance.id], n_samples, RATE)
        lost = torch.from_numpy(lost_frames(spans, len(log_spectrum), config.stft))
        with torch.inference_mode():
            predicted = saved(log_spectrum[None], visual[None], lost[None])[0]
        errors = ((predicted - log_spectrum) / saved.audio_std)[lost].abs()
        total, bins = total + errors.sum().item(), bins + errors.numel()
        means.append(errors.mean().item())
    assert read_description(tmp_path / "run")["about"]["valid_loss"] == pytest.approx(total / bins, rel=1e-4)
    assert lowest == pytest.approx(total / bins, rel=1e-4)
    assert total / bins != pytest.approx(np.mean(means), rel=1e-2)  # the test can fail


def test_utterances_come_in_another_order_each_epoch(corpus, tmp_path):
    orders: dict[int, list[str]] = {}

    class Order(Callback):
        def on_train_batch_start(self, trainer, run, batch, batch_idx) -> None:
            orders.setdefault(trainer.current_epoch, []).extend(batch.ids)

    train(corpus_config(corpus, training={"max_epochs": 3}), tmp_path / "run", progress=False, callbacks=[Order()])
    ids = [utterance.id for utterance in read_datadir(corpus / "train")]
    assert [sorted(order) for order in orders.values()] == [ids] * 3
    assert len({tuple(order) for order in (ids, *orders.values())}) == 4


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


@pytest.mark.slow
def test_early_stopping_counts_epochs_without_improvement(corpus, tmp_path):
    config = corpus_config(corpus, training={"max_epochs": 50, "patience": 2, "learning_rate": 0.0})
    train(config, tmp_path / "run", progress=False)
    losses = [row for row in metrics(tmp_path / "run") if row["valid_loss"]]
    assert len(losses) == 3
    train(config, tmp_path / "run", progress=False)
    assert len([row for row in metrics(tmp_path / "run") if row["valid_loss"]]) == 3


@pytest.mark.parametrize("setting", [{"devices": "many"}, {"accelerator": "abacus"}])
def test_hardware_that_is_not_there_is_said(corpus, tmp_path, setting):
    with pytest.raises(ConfigError, match=r"training\.accelerator or devices"):
        train(corpus_config(corpus, training=setting), tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


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
    utterances = read_datadir(config.data.train)
    smaller = tmp_path / "smaller"
    write_datadir(smaller, utterances[:-1])
    config.data.train = str(smaller)
    # The same path in the config of the first run, as if the set had been changed in place.
    note = tmp_path / "run" / "config.yaml"
    note.write_text(note.read_text().replace(str(corpus / "train") + "\n", f"{smaller}\n"))
    with pytest.raises(
        DataError, match=r"holds a run on other utterances or voices, or from another model \(.*made_from\)"
    ):
        train(config, tmp_path / "run", progress=False)


def test_statistics_of_other_features_are_refused(corpus, tmp_path):
    config = corpus_config(corpus, visual={"positions": True})
    with pytest.raises(
        DataError, match=r"has 136 visual statistics, but the config asks for 272; run data_prep\.stats"
    ):
        train(config, tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


class Weights(Callback):
    """The weights after each step."""

    def __init__(self) -> None:
        self.steps = []

    def on_train_batch_end(self, trainer, run, *_) -> None:
        self.steps.append({name: value.detach().clone() for name, value in run.model.named_parameters()})


@pytest.mark.slow
def test_the_model_saved_is_the_average_over_the_way_of_the_weights(corpus, tmp_path):
    settings = {"max_epochs": 2, "learning_rate": 3e-3, "average": 0.8}
    way = Weights()
    train(corpus_config(corpus, training=settings), tmp_path / "run", progress=False, callbacks=[way])
    assert len(way.steps) == 6
    average = way.steps[0]
    for step in way.steps[1:]:
        average = {name: 0.8 * value + 0.2 * step[name] for name, value in average.items()}
    assert float(metrics(tmp_path / "run")[-1]["epoch"]) == 1  # the second epoch was the better one
    saved = load_model(tmp_path / "run")
    for name, value in saved.named_parameters():
        assert torch.allclose(value, average[name], atol=1e-6), name
    assert not torch.allclose(saved.to_spectrum.weight, way.steps[-1]["to_spectrum.weight"], atol=1e-4)
    stats = Stats.load(corpus_config(corpus).data.stats)
    assert torch.equal(saved.audio_mean, torch.from_numpy(stats.audio_mean))
    # The way itself is that of a run without an average.
    plain = Weights()
    config = corpus_config(corpus, training={**settings, "average": 0.0})
    train(config, tmp_path / "plain", progress=False, callbacks=[plain])
    assert all(same(one, two) for one, two in zip(way.steps, plain.steps, strict=True))


def test_the_average_has_no_gradients(corpus):
    """Several GPUs would wait for them."""
    config = corpus_config(corpus, training={"average": 0.9})
    run = TrainingRun(config, Stats.load(config.data.stats))
    assert not any(parameter.requires_grad for parameter in run.average.parameters())
    assert all(parameter.requires_grad for parameter in run.model.parameters())


@pytest.mark.slow
def test_an_averaged_run_that_goes_on_ends_where_an_unbroken_one_does(corpus, tmp_path):
    def run(name: str, max_epochs: int) -> float:
        settings = {"max_epochs": max_epochs, "average": 0.9, "weight_decay": 0.01, "stoi_weight": 0.1}
        augment = {"tempo": 0.1, "noise": 0.5, "face_gain": 0.2, "face_lag_ms": 30, "face_noise": 0.1}
        model = {"dropout": 0.3, "normalise": "utterance", "mask": True}
        config = corpus_config(corpus, model=model, training=settings, augment=augment)
        return train(config, tmp_path / name, progress=False)

    whole = run("whole", 3)
    for epochs in (1, 2, 3):
        parts = run("parts", epochs)
    assert parts == whole
    assert same(last_weights(tmp_path / "whole"), last_weights(tmp_path / "parts"))
    assert same(*(load_file(tmp_path / name / "model.safetensors") for name in ("whole", "parts")))


@pytest.fixture
def trained(corpus, tmp_path):
    """A model of which nothing is known but weights, statistics and whom it has met."""
    config = corpus_config(corpus)
    torch.manual_seed(7)
    model = BLSTMInpainter(config, Stats.load(config.data.stats))
    model.audio_mean += 1.0
    save_model(tmp_path / "trained", model)
    (tmp_path / "trained" / "train_ids").write_text("s09_clip0\n")
    return tmp_path / "trained"


@pytest.mark.slow
@pytest.mark.parametrize("average", [0.0, 0.9])
def test_a_run_starts_from_a_trained_model(corpus, trained, tmp_path, average):
    settings = {"max_epochs": 1, "learning_rate": 0.0, "init": str(trained), "average": average}
    train(corpus_config(corpus, training=settings), tmp_path / "run", progress=False)
    assert same(*(load_file(folder / "model.safetensors") for folder in (trained, tmp_path / "run")))


@pytest.mark.parametrize(
    ("section", "setting", "message"),
    [
        ("visual", {"clip_scale": 0.5}, r"has visual\.clip_scale 0\.0, but the config asks for 0\.5"),
        ("stft", {"log_floor": 1e-3}, r"has stft\.log_floor 1e-06, but the config asks for 0\.001"),
        ("model", {"normalise": "utterance"}, r"has model\.normalise corpus, but the config asks for utterance"),
    ],
)
def test_a_model_that_learnt_from_other_inputs_is_refused(corpus, trained, tmp_path, section, setting, message):
    config = corpus_config(corpus, **{section: setting, "training": {"max_epochs": 1, "init": str(trained)}})
    with pytest.raises(ModelError, match=message):
        train(config, tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("normalise", "fits"), [("corpus", True), ("utterance", False)])
def test_what_a_recording_is_normalised_by_must_fit_where_it_counts(tmp_path, normalise, fits):
    model, other = (BLSTMInpainter(small_config(model={"normalise": normalise})) for _ in range(2))
    save_model(tmp_path / "model", model)
    other.config.normalise.max_pauses_s = 1.0
    with (
        nullcontext() if fits else pytest.raises(ModelError, match=r"has normalise\.max_pauses_s 2\.0, but the config")
    ):
        start_from(other, tmp_path / "model")


@pytest.mark.slow
def test_a_run_that_goes_on_does_not_start_again_from_its_model(corpus, trained, tmp_path):
    def run(name: str, max_epochs: int) -> None:
        settings = {"max_epochs": max_epochs, "init": str(trained)}
        train(corpus_config(corpus, training=settings), tmp_path / name, progress=False)

    run("whole", 2)
    run("parts", 1)
    (trained / "model.safetensors").unlink()  # it is not looked at any more
    run("parts", 2)
    assert same(last_weights(tmp_path / "whole"), last_weights(tmp_path / "parts"))


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"model": {"hidden": 12}}, r"trained: has model\.hidden \d+, but the config asks for 12"),
        ({"model": {"layers": 1}}, r"trained: has model\.layers \d+, but the config asks for 1"),
        ({"training": {"init": "nowhere"}}, r"nowhere: neither a folder with a trained model nor a pretrained one"),
    ],
)
def test_a_model_that_does_not_fit_is_refused_before_anything_is_made(corpus, trained, tmp_path, sections, message):
    sections = {**sections, "training": {"init": str(trained), **sections.get("training", {})}}
    with pytest.raises(ModelError, match=message) as raised:
        train(corpus_config(corpus, **sections), tmp_path / "run", progress=False)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "run").exists()


def test_the_learning_rate_is_halved_after_epochs_without_improvement(corpus):
    config = corpus_config(corpus, training={"lr_patience": 1, "learning_rate": 0.01})
    run = TrainingRun(config, Stats.load(config.data.stats))
    optimizer, rates = run.configure_optimizers(), []
    for loss in (0.5, 0.6, 0.6, 0.4, 0.5, 0.5):
        run.trainer = SimpleNamespace(callback_metrics={"valid_loss": loss})
        run.on_train_epoch_end()
        rates.append(optimizer.param_groups[0]["lr"])
    assert rates == [0.01, 0.01, 0.005, 0.005, 0.005, 0.0025]


def test_dropout_is_drawn_anew_in_each_batch_and_alike_in_each_run(corpus):
    config = corpus_config(corpus)
    run, drawn = TrainingRun(config, Stats.load(config.data.stats)), []
    for number in (0, 1, 0):
        run.on_train_batch_start(None, number)
        drawn.append(torch.rand(1).item())
    assert drawn[0] == drawn[2] != drawn[1]


def test_validation_meets_the_gaps_of_its_file(corpus):
    config = corpus_config(corpus)
    data = TrainingRun(config, Stats.load(config.data.stats)).task.valid_set
    gaps = read_gap_file(config.data.valid_gaps)
    for index, utterance in enumerate(data.utterances):
        spans = gap_spans(gaps[utterance.id], round(utterance.duration_s * 16000), 16000)
        _, features, lost = data[index]
        assert lost.tolist() == lost_frames(spans, len(features.log_spectrum), config.stft).tolist()


def test_a_model_of_other_phones_is_not_started_from(tmp_path):
    config = small_config(model={"ctc": True})
    save_model(tmp_path / "trained", BLSTMInpainter(config, phones=("A", "B")))
    start_from(BLSTMInpainter(config, phones=("A", "B")), tmp_path / "trained")
    with pytest.raises(ModelError, match="trained: knows other phones than the lexicon"):
        start_from(BLSTMInpainter(config, phones=("A", "C")), tmp_path / "trained")
