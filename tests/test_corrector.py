"""Gaps that are lost in part: what is kept, how training makes them, and the corrector that learns from them."""

import numpy as np
import pytest
import torch
from conftest import RATE, corpus_config, run_app, small_config, speech

from avsi import Gap, Inpainter
from avsi.audio.audible import AudibleBins
from avsi.audio.kept_band import KeptBand
from avsi.audio.phase import fill_gaps
from avsi.audio.stft import log_magnitude, spectrum
from avsi.config import CorrectorConfig
from avsi.config_checks import check_config
from avsi.data.gaps import lost_frames, lost_samples
from avsi.data.stats import Stats
from avsi.errors import ConfigError, ModelError
from avsi.metrics.intelligibility import stoi
from avsi.models.corrector import SpectrumCorrector
from avsi.models.inpainter import BLSTMInpainter
from avsi.models.store import save_model
from avsi.restoring.baselines import SpectralInterpolation
from avsi.training.partial_damage import draw_kept
from avsi.training.run import train
from evaluation import partial

STFT = small_config().stft
SPAN = (16000, 25600)
GAP = Gap(1.0, 1.6)
GONE = torch.from_numpy(lost_samples([SPAN], len(speech(0))))


def spectrum_of(samples: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """(complex, shape (n_frames, n_bins), the lost frames)."""
    found = spectrum(torch.from_numpy(samples).float(), STFT)
    return found, torch.from_numpy(lost_frames([SPAN], len(found), STFT))


def under(noise: np.ndarray, snr_db: float) -> np.ndarray:
    """Speech with noise over the gap."""
    damaged, inside = speech(0).astype(float), slice(*SPAN)
    power = np.square(damaged[inside]).mean() / np.square(noise).mean()
    damaged[inside] += np.sqrt(power * 10 ** (-snr_db / 10)) * noise
    return damaged


def white() -> np.ndarray:
    return np.random.default_rng(0).standard_normal(SPAN[1] - SPAN[0])


def test_of_a_band_those_bins_are_kept_that_hold_nothing_from_beyond_it():
    found, lost = spectrum_of(speech(0))
    kept = KeptBand(300, 1000).kept_of(found, lost, STFT)
    known = ~kept.isnan()
    assert torch.equal(kept[known], found[known]) and not known[~lost].any()
    hertz = torch.arange(257) * 31.25
    assert torch.equal(known[lost], ((hertz < 217) | (hertz > 1083)).expand(int(lost.sum()), -1))


def test_what_stands_out_of_steady_noise_is_audible():
    clean, lost = spectrum_of(speech(0))
    noisy, _ = spectrum_of(under(white(), 6))
    kept = AudibleBins().kept_of(noisy, lost, STFT)
    assert str(AudibleBins()) == "10 dB above the noise"  # in lists of what was restored
    known = ~kept.isnan()
    assert not known[~lost].any() and 0.01 < known[lost].float().mean() < 0.3
    wrong_db = 20 * (noisy.abs() / clean.abs()).log10().abs()
    assert wrong_db[known].median() < 2 < 10 < wrong_db[lost].median()


INSTEAD = {
    "silence": lambda time_s: 0 * time_s,
    "noise": lambda time_s: white(),
    "tone": lambda time_s: np.sin(2 * np.pi * 1000 * time_s),
}


@pytest.mark.parametrize("instead", INSTEAD)
def test_where_nothing_is_heard_nothing_is_kept(instead):
    damaged = speech(0).astype(float)
    time_s = np.arange(SPAN[1] - SPAN[0]) / RATE
    damaged[slice(*SPAN)] = INSTEAD[instead](time_s)
    found, lost = spectrum_of(damaged)
    inside = torch.from_numpy(lost_frames([(SPAN[0] + 400, SPAN[1] - 400)], len(found), STFT))
    assert (~AudibleBins().kept_of(found, lost, STFT).isnan())[inside].float().mean() < 0.005


def test_kept_bins_have_their_phase_too():
    clean, lost = spectrum_of(speech(0))
    samples, wrong = torch.from_numpy(speech(0)), torch.zeros(clean.shape)
    kept = KeptBand(below_hz=1500).kept_of(clean, lost, STFT)
    errors = []
    for bins in (None, kept):
        filled = fill_gaps(samples, GONE, wrong, lost, STFT, bins)
        low = (spectrum(filled, STFT) - clean)[lost][:, :40].abs().square().sum()
        errors.append(low / clean[lost][:, :40].abs().square().sum())
    assert errors[1] < 0.1 * errors[0]


def test_partial_gaps_of_training():
    log_spectrum = log_magnitude(spectrum_of(speech(0))[0], STFT)
    lost = torch.zeros(len(log_spectrum), dtype=torch.bool)
    for start in range(10, 240, 20):
        lost[start : start + 10] = True
    none, half, every = (draw_kept(log_spectrum, lost, share, STFT, np.random.default_rng(0)) for share in (0, 0.5, 1))
    assert none.isnan().all() and every[~lost].isnan().all()
    runs = [slice(start, start + 10) for start in range(10, 240, 20)]
    partial_runs = [run for run in runs if not half[run].isnan().all()]
    assert 2 < len(partial_runs) < 10
    for run in partial_runs:  # what a gap is like does not depend on the share
        assert torch.equal(half[run].nan_to_num(), every[run].nan_to_num())
    assert all(every[run].isnan().any() for run in runs)
    known = ~every.isnan()
    assert (every - log_spectrum)[known].abs().median() < 0.3
    assert float(every[known].sum()) == pytest.approx(-34845.3, rel=1e-4)  # the same over releases


@pytest.fixture
def corrector():
    """One that was not trained, but has weights as if it had been."""
    torch.manual_seed(0)
    model = SpectrumCorrector(small_config(CorrectorConfig)).eval()
    torch.nn.init.normal_(model.to_change.weight, std=0.5)
    return model


def test_only_lost_bins_are_corrected(corrector):
    found, lost = spectrum_of(speech(0))
    true = log_magnitude(found, STFT)
    restored = torch.where(lost[:, None], true.mean(0), true)
    kept = log_magnitude(KeptBand(below_hz=1000).kept_of(found, lost, STFT), STFT)
    nothing = torch.full_like(kept, torch.nan)
    made = corrector.correct(torch.stack([restored, restored]), lost, torch.stack([kept, nothing]))
    known = ~kept.isnan()
    assert torch.equal(made[0][~lost], true[~lost]) and torch.equal(made[0][known], true[known])
    changed = (made[0] != restored) & ~known
    assert changed[lost][:, 40:].all() and torch.equal(made[1], restored)


def test_a_corrector_learns_from_what_is_kept(corpus, tmp_path):
    torch.manual_seed(0)
    config = corpus_config(corpus, model={"normalise": "utterance"})
    save_model(tmp_path / "restorer", BLSTMInpainter(config, Stats.load(config.data.stats)), {})
    losses = []
    for name, epochs, rate in (("first", 1, 1e-9), ("run", 4, 1e-2)):
        settings = {"restorer": str(tmp_path / "restorer"), "max_epochs": epochs, "learning_rate": rate}
        config = corpus_config(corpus, training=settings, gaps={"partial": 1.0})
        config.model = CorrectorConfig(hidden=16, layers=1)
        check_config(config)
        losses.append(train(config, tmp_path / name, progress=False))
    assert losses[1] < 0.9 * losses[0]
    inpainter = Inpainter(SpectralInterpolation()).with_kept(KeptBand(below_hz=1000), tmp_path / "run")
    damaged = under(white(), -20)
    damaged[slice(*SPAN)] = speech(0)[slice(*SPAN)]
    made = inpainter.inpaint(damaged, RATE, [GAP])
    outside = ~GONE.numpy()
    assert np.array_equal(made[outside], damaged[outside]) and inpainter.corrector is not None
    with pytest.raises(ModelError, match="holds a model of the kind inpainter, expected corrector"):
        inpainter.with_kept(KeptBand(below_hz=1000), tmp_path / "restorer")


def test_reliable_bins_are_for_correctors_alone(corpus):
    with pytest.raises(ConfigError, match=r"gaps\.partial: 0\.5: some bins .* this is a inpainter"):
        check_config(corpus_config(corpus, gaps={"partial": 0.5}))
    config = corpus_config(corpus)
    config.model = CorrectorConfig()
    with pytest.raises(ConfigError, match=r"gaps\.partial: 0: .* takes a share above 0"):
        check_config(config)


def test_audible_speech_makes_the_gap_better():
    noisy = under(white(), 0)
    plain = Inpainter(SpectralInterpolation())
    made = [each.inpaint(noisy, RATE, [GAP]) for each in (plain, plain.with_kept(AudibleBins(), None))]
    scores = [stoi(speech(0).astype(float), samples, RATE) for samples in made]
    assert scores[1] > scores[0] + 0.01


def test_what_keeping_is_worth_is_measured(corpus, tmp_path):
    out = tmp_path / "partial"
    options = ("--gaps", corpus / "test" / "gaps_600ms", "--out", out, "--corrector", "none", "--refiner", "none")
    shown = run_app(partial.app, corpus / "test", *options, "--cover", "whistle", "--snr", 0, "--no-face", "--jobs", 1)
    assert "band kept" in shown and "audible kept" in shown and (out / "summary.json").is_file()
