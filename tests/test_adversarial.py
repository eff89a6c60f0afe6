"""The second phase of training: a discriminator, its losses, and runs against it."""

import pytest
import torch
from conftest import corpus_config
from lightning.pytorch import Callback
from test_training import last_weights, metrics, same

from avsi.config import InpainterConfig, PainterConfig
from avsi.config_files import load_config
from avsi.errors import ConfigError
from avsi.models.store import load_model
from avsi.training.checkpoints import LAST
from avsi.training.discriminator import (
    Discriminator,
    Judgement,
    adversarial_loss,
    discriminator_loss,
    feature_matching_loss,
)
from avsi.training.run import train


def judgement(*scores: float, feature: float = 0.0) -> Judgement:
    return Judgement(torch.tensor(scores), [torch.full((2, 3, 4), feature), torch.full((1, 5, 2), 2 * feature)])


def test_losses_have_the_values_of_their_formulas():
    assert discriminator_loss(judgement(0.5, 2.0), judgement(-3.0, 1.0)).item() == pytest.approx(0.25 + 1.0)
    assert discriminator_loss(judgement(1.0), judgement(-1.0)).item() == 0
    assert adversarial_loss(judgement(-3.0, 1.0)).item() == pytest.approx(1.0)
    true, restored = judgement(0.0, feature=2.0), judgement(0.0, feature=1.5)
    assert feature_matching_loss(true, restored).item() == pytest.approx(0.25)
    assert feature_matching_loss(true, true).item() == 0


def test_a_discriminator_scores_the_lost_places_alone_and_sees_their_surroundings():
    torch.manual_seed(0)
    network = Discriminator().eval()
    spectrum, lost = torch.randn(2, 83, 257), torch.zeros(2, 83, dtype=torch.bool)
    lost[0, 16:24] = True
    found = network(spectrum, lost)
    assert found.scores.shape == (1 * 33,)  # eight frames are one place, 257 bins 33
    assert [tuple(each.shape) for each in found.features] == [(4, 16, 129), (2, 32, 65), (1, 48, 33), (1, 64, 33)]
    near, far = spectrum.clone(), spectrum.clone()
    near[0, 14] += 1
    far[0, 80] += 1
    assert not torch.equal(network(near, lost).scores, found.scores)
    assert torch.equal(network(far, lost).scores, found.scores)
    assert network(spectrum[:, :1], torch.ones(2, 1, dtype=torch.bool)).scores.shape == (2 * 33,)


def adversarial(corpus, kind=PainterConfig, **training):
    config = corpus_config(corpus, training={"adversarial": 0.1, "feature_matching": 0.5, **training})
    special = {"heads": 4, "latents": 8} if kind is PainterConfig else {}
    config.model = kind(hidden=24, layers=1, video=False, **special)
    return config


class Weights(Callback):
    """The weights of both networks after each step."""

    def __init__(self) -> None:
        self.steps: list[dict[str, torch.Tensor]] = []

    def on_train_batch_end(self, trainer, run, *_) -> None:
        self.steps.append({name: value.detach().clone() for name, value in run.named_parameters()})


@pytest.mark.parametrize("kind", [PainterConfig, InpainterConfig])
def test_both_networks_learn_in_each_step(corpus, tmp_path, kind):
    weights = Weights()
    train(adversarial(corpus, kind, max_epochs=1), tmp_path / "run", progress=False, callbacks=[weights])
    assert len(weights.steps) == 3
    for before, after in zip(weights.steps, weights.steps[1:], strict=False):
        moved = {name.split(".")[0] for name in after if not torch.equal(before[name], after[name])}
        assert moved == {"model", "discriminator"}
    row = next(row for row in metrics(tmp_path / "run") if row.get("train_discriminator"))
    assert 0.5 < float(row["train_discriminator"]) < 4 and float(row["train_matching"]) > 0.01
    assert not any("discriminator" in name for name in load_model(tmp_path / "run").state_dict())


def test_only_its_own_loss_moves_each_network(corpus, tmp_path):
    """Without weight, the discriminator's losses leave the model where it would be without one."""
    plain = adversarial(corpus, adversarial=0.0, feature_matching=0.0)
    train(plain, tmp_path / "plain", progress=False)
    train(adversarial(corpus, adversarial=1e-30, feature_matching=0.0), tmp_path / "beside", progress=False)
    train(adversarial(corpus), tmp_path / "against", progress=False)
    of_model = [
        {name: value for name, value in last_weights(tmp_path / run).items() if name.startswith("model.")}
        for run in ("plain", "beside", "against")
    ]
    assert same(*of_model[:2]) and not same(*of_model[1:])


@pytest.mark.parametrize("clip_norm", [0.0, 1e-3])
def test_gradients_of_both_are_scaled_down_where_asked(corpus, tmp_path, clip_norm):
    norms: dict[str, list[float]] = {"model": [], "discriminator": []}

    class Norms(Callback):
        def on_before_optimizer_step(self, trainer, run, optimizer) -> None:
            gradients = [p.grad.norm() for group in optimizer.param_groups for p in group["params"]]
            own = optimizer.param_groups[0]["params"][0]
            which = "model" if any(own is each for each in run.model.parameters()) else "discriminator"
            norms[which].append(torch.stack(gradients).norm().item())

    train(adversarial(corpus, clip_norm=clip_norm, max_epochs=1), tmp_path / "run", progress=False, callbacks=[Norms()])
    for each in norms.values():
        assert len(each) == 3 and max(each) > 5e-4
        assert (max(each) <= 1.001e-3) == bool(clip_norm)


def test_a_run_that_goes_on_ends_where_an_unbroken_one_does(corpus, tmp_path):
    def run(name: str, max_epochs: int) -> None:
        config = adversarial(corpus, max_epochs=max_epochs, average=0.8, patience=50)
        config.model.dropout = 0.2
        train(config, tmp_path / name, progress=False)

    run("whole", 3)
    for epochs in (1, 2, 3):
        run("parts", epochs)
    one, two = (torch.load(tmp_path / name / LAST, weights_only=True) for name in ("whole", "parts"))
    assert same(one["state_dict"], two["state_dict"])
    assert any(name.startswith("discriminator.") for name in one["state_dict"])
    assert len(one["optimizer_states"]) == 2
    for before, after in zip(one["optimizer_states"], two["optimizer_states"], strict=True):
        assert all(same(before["state"][key], after["state"][key]) for key in before["state"])


def test_a_model_that_restores_nothing_has_no_discriminator():
    with pytest.raises(ConfigError, match=r"model\.kind: aligner: has no spectra for a discriminator; take training\."):
        load_config([], ["model.kind=aligner", "training.adversarial=0.1"])


def test_a_learning_rate_that_falls_is_refused():
    with pytest.raises(ConfigError, match="against a discriminator the learning rate stays"):
        load_config([], ["training.adversarial=0.1", "training.lr_patience=3"])
