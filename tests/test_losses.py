"""The loss of short-time intelligibility, against pystoi."""

import math

import numpy as np
import pytest
import torch
from conftest import RATE, corpus_config, speech

from avsi.audio.stft import log_magnitude, spectrum
from avsi.config import StftConfig
from avsi.data.stats import Stats
from avsi.training.dataset import collate
from avsi.training.losses import stoi_losses, third_octaves
from avsi.training.tasks import make_task

STFT = StftConfig()
FLOOR = math.log(STFT.log_floor)
GAP = slice(80, 130)


def logs(samples: np.ndarray) -> torch.Tensor:
    return log_magnitude(spectrum(torch.from_numpy(samples.astype(np.float32)), STFT), STFT)[None]


def all_lost(spectra: torch.Tensor) -> torch.Tensor:
    return torch.ones(spectra.shape[:2], dtype=torch.bool)


def loss_of(restored: torch.Tensor, clean: torch.Tensor, lost: torch.Tensor) -> torch.Tensor:
    """That of recordings that all fill the batch."""
    each = stoi_losses(restored, clean, lost, torch.full((len(lost),), lost.shape[1]), STFT)
    return each.sum() / max(len(each), 1)


@pytest.fixture
def clean() -> torch.Tensor:
    return logs(speech(0))


@pytest.fixture
def lost(clean) -> torch.Tensor:
    mask = torch.zeros(clean.shape[:2], dtype=torch.bool)
    mask[:, GAP] = True
    return mask


@pytest.mark.parametrize("seed", [0, 1])
def test_it_is_pystois_measure(seed):
    from pystoi import stoi

    samples = speech(seed)
    noise = np.random.default_rng(seed).standard_normal(len(samples)) * samples.std()
    ours, theirs = [], []
    for snr_db in (20, 10, 5, 0, -5, -10):
        damaged = samples + noise * 10 ** (-snr_db / 20)
        ours.append(1 - loss_of(logs(damaged), logs(samples), all_lost(logs(samples))).item())
        theirs.append(float(stoi(samples, damaged, RATE)))
    assert ours == sorted(ours, reverse=True)
    assert ours == pytest.approx(theirs, abs=0.05)
    assert np.corrcoef(ours, theirs)[0, 1] > 0.99


def test_third_octaves_are_pystois_within_a_bin():
    from pystoi.utils import thirdoct

    theirs, _ = thirdoct(STFT.sample_rate, STFT.n_fft, 15, 150)
    ours = third_octaves(STFT).numpy().T
    assert ours.shape == theirs.shape
    for one, two in zip(ours, theirs, strict=True):
        (one,), (two,) = np.nonzero(one), np.nonzero(two)
        assert abs(one[0] - two[0]) <= 1 and abs(one[-1] - two[-1]) <= 1
        assert len(one) == one[-1] - one[0] + 1


def test_what_is_equal_costs_nothing(clean, lost):
    assert loss_of(clean, clean, lost).item() == pytest.approx(0, abs=1e-5)


def test_level_does_not_count_and_damage_does(clean, lost):
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    losses = []
    for share in (0.0, 0.3, 1.0, 3.0):
        damaged = torch.where(lost[..., None], clean + share * noise, clean)
        losses.append(loss_of(damaged, clean, lost).item())
        assert loss_of(damaged + 1.0, clean, lost).item() == pytest.approx(losses[-1], abs=2e-3)
    assert losses == sorted(losses) and losses[-1] > losses[1] + 0.1


def test_only_stretches_that_hold_a_lost_frame_count(clean, lost):
    far = clean.clone()
    far[:, 200:] = -3.0
    assert loss_of(far, clean, lost).item() == pytest.approx(0, abs=1e-5)
    assert loss_of(far, clean, torch.zeros_like(lost)).item() == 0
    assert loss_of(clean[:, :20], clean[:, :20], lost[:, :20]).item() == 0  # shorter than a stretch


def test_padding_does_not_count(clean, lost):
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    damaged = torch.where(lost[..., None], clean + noise, clean)
    length, softer = GAP.stop + 10, math.log(0.03)  # a short, soft recording beside long ones: padding is louder

    def padded(log_spectrum: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.pad(log_spectrum[:, :length] + softer, (0, 0, 0, 40))

    mask = torch.nn.functional.pad(lost[:, :length], (0, 40))
    found = stoi_losses(padded(damaged), padded(clean), mask, torch.tensor([length]), STFT).mean()
    expected = loss_of(damaged[:, :length] + softer, clean[:, :length] + softer, lost[:, :length])
    assert found.item() == pytest.approx(expected.item(), rel=1e-4)


def in_gap(value: float):
    def change(spectra: torch.Tensor) -> torch.Tensor:
        spectra[:, GAP] = value
        return spectra

    return change


def bands(first: int, value: float):
    def change(spectra: torch.Tensor) -> torch.Tensor:
        spectra[..., first:] = value
        return spectra

    return change


@pytest.mark.parametrize(
    ("of_restored", "of_clean"),
    [
        (bands(257, 0), bands(257, 0)),  # both as they are
        (in_gap(FLOOR), bands(257, 0)),
        (in_gap(-40.0), bands(257, 0)),
        (in_gap(-5.0), bands(257, 0)),
        (bands(0, -5.0), bands(257, 0)),
        (bands(0, -5.0), bands(0, -5.0)),
        (bands(60, FLOOR), bands(257, 0)),
        (bands(257, 0), bands(60, FLOOR)),
        (bands(60, FLOOR), bands(60, FLOOR)),
        (bands(0, FLOOR), bands(257, 0)),
        (bands(257, 0), bands(0, FLOOR)),
        (bands(0, FLOOR), bands(0, FLOOR)),
        (in_gap(25.0), bands(257, 0)),
        (in_gap(50.0), bands(257, 0)),
        (in_gap(500.0), bands(257, 0)),
    ],
)
def test_gradients_are_finite_whatever_is_silent_or_far_too_loud(clean, lost, of_restored, of_clean):
    restored = of_restored(clean.clone()).requires_grad_(True)
    loss = loss_of(restored, of_clean(clean.clone()), lost)
    loss.backward()
    assert 0 <= loss.item() + 1e-6 <= 2
    assert torch.isfinite(restored.grad).all()


def test_its_gradient_leads_to_what_was_said(clean, lost):
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    restored = torch.where(lost[..., None], clean + noise, clean).requires_grad_(True)
    optimizer = torch.optim.Adam([restored], lr=0.05)
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        losses.append(loss := loss_of(restored, clean, lost))
        loss.backward()
        optimizer.step()
    assert losses[-1].item() < 0.3 * losses[0].item()


def test_half_precision_around_it_does_not_change_it(clean, lost):
    damaged = clean + torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    with torch.autocast("cpu", torch.bfloat16):
        found = loss_of(damaged, clean, lost)
    assert found.dtype == torch.float32
    assert found.item() == loss_of(damaged, clean, lost).item()


@pytest.mark.parametrize("normalise", ["corpus", "utterance"])
def test_in_training_it_is_that_of_what_would_be_restored(corpus, normalise):
    torch.manual_seed(0)
    config = corpus_config(corpus, training={"stoi_weight": 0.1}, model={"normalise": normalise, "video": False})
    task = make_task(config, Stats.load(config.data.stats))
    batch = collate([task.train_set[n] for n in range(3)])
    on_gaps, on_bands = task.losses(task.model, batch)
    assert (on_gaps.name, on_bands.name, on_bands.weight) == ("gaps", "stoi", 0.1)
    restored = [
        task.model.restore_spectrum(
            *(part[n : n + 1] if part is batch.log_spectrum else part[n] for part in batch[1:4])
        )
        for n in range(3)
    ]
    expected = loss_of(torch.cat(restored), batch.log_spectrum, batch.lost)
    # An untrained model's bands hardly move, so that their correlation magnifies the last bits of a float.
    assert on_bands.value.item() == pytest.approx(expected.item(), rel=1e-3)
    on_bands.value.backward()
    assert task.model.to_spectrum.weight.grad.norm() > 0


def test_the_last_stretch_counts(clean):
    last = all_lost(clean)
    last[:, :-1] = False
    speaking = clean[:, : GAP.stop]  # a recording that is not yet over
    damaged = speaking.clone()
    damaged[:, -10:] = -5.0
    assert loss_of(damaged, speaking, last[:, -GAP.stop :]).item() > 0.01
