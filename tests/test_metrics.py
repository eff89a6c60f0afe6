from pathlib import Path

import numpy as np
import pytest
from conftest import RATE, needs_grid, real_clip, speech
from scipy.fft import idct

from avsi.audio.mel import mel_filters
from avsi.config import StftConfig
from avsi.errors import AvsiWarning, ConfigError
from avsi.media.sound_reading import read_mono
from avsi.metrics import (
    UndefinedMetric,
    dnsmos,
    estoi,
    gap_l1,
    log_spectral_distance,
    mel_cepstral_distortion,
    mos,
    pesq_nb,
    pesq_raw,
    pesq_wb,
    plcmos,
    raw_from_lqo,
    spectral,
    stoi,
)
from avsi.metrics.registry import METRICS, choose_metrics

STFT = StftConfig()


def damaged(clean: np.ndarray, gap_s: float, seed: int = 0) -> np.ndarray:
    """A gap that grows from 0.5 s on, filled with faint noise: in silence the extended STOI is a matter of chance."""
    samples, start = clean.copy(), RATE // 2
    faint = 1e-4 * np.random.default_rng(seed).standard_normal(round(gap_s * RATE))
    samples[start : start + len(faint)] = faint
    return samples


def noisy(clean: np.ndarray, level: float) -> np.ndarray:
    return (clean + level * np.random.default_rng(0).standard_normal(len(clean))).astype(np.float32)


def log_spectra(seed: int, n_frames: int = 12) -> np.ndarray:
    return np.random.default_rng(seed).normal(-4, 1.5, (n_frames, STFT.n_bins)).astype(np.float32)


def test_gap_l1_is_in_units_of_the_deviation():
    predicted, truth = np.zeros((3, 4)), np.ones((3, 4))
    assert gap_l1(predicted, truth, np.array([1.0, 2.0, 4.0, 4.0])) == pytest.approx(0.5)
    with pytest.raises(UndefinedMetric, match="no lost frame"):
        gap_l1(predicted[:0], truth[:0], np.ones(4))
    with pytest.raises(ValueError, match="do not go together"):
        gap_l1(predicted, truth[:2], np.ones(4))


def test_a_gain_of_ten_is_a_log_spectral_distance_of_20_db():
    truth = log_spectra(0)
    assert log_spectral_distance(truth + np.log(10), truth) == pytest.approx(20, rel=1e-5)
    assert log_spectral_distance(truth, truth) == 0
    half = truth.copy()
    half[:, : STFT.n_bins // 2] += np.log(10)
    share = (STFT.n_bins // 2) / STFT.n_bins
    assert log_spectral_distance(half, truth) == pytest.approx(20 * np.sqrt(share), rel=1e-5)


def test_mel_cepstral_distortion_is_the_difference_of_smoothed_mel_spectra_in_db(monkeypatch):
    truth = log_spectra(0)
    assert mel_cepstral_distortion(truth, truth, STFT) == 0
    # Loudness plays no part.
    assert mel_cepstral_distortion(truth + 1.7, truth, STFT) == pytest.approx(0, abs=1e-4)
    # The third cepstral coefficient alone, by 0.25: in every band as many dB as its cosine says.
    cepstra = np.zeros((2, spectral.MEL_BANDS))
    cepstra[1, 3] = 0.25
    bands = idct(2 * spectral.MEL_BANDS * cepstra, type=2, axis=1)
    assert bands[1] == pytest.approx(0.5 * np.cos(np.pi * 3 * (np.arange(40) + 0.5) / 40))
    # One bin for each band makes spectra of which the mel spectrum is known.
    monkeypatch.setattr(spectral, "mel_filters", lambda n_bands, stft: np.eye(n_bands))
    distortion = mel_cepstral_distortion(bands[1:] / 2, bands[:1] / 2, STFT)
    assert distortion == pytest.approx(10 / np.log(10) * np.sqrt(2) * 0.25)
    assert distortion == pytest.approx(10 / np.log(10) * np.sqrt((bands[1] ** 2).mean()))
    # The thirteenth is the last that counts.
    for number, heard in ((13, 0.25), (14, 0.0)):
        other = np.zeros((1, spectral.MEL_BANDS))
        other[0, number] = 2 * spectral.MEL_BANDS * 0.25
        found = mel_cepstral_distortion(idct(other, type=2, axis=1) / 2, bands[:1] / 2, STFT)
        assert found == pytest.approx(10 / np.log(10) * np.sqrt(2) * heard, abs=1e-9)


def test_mel_bands_lie_evenly_in_pitch_and_cover_the_speech_band():
    filters = mel_filters(40, STFT)
    assert filters.shape == (40, 257) and (filters >= 0).all() and filters.any(axis=1).all()
    bins_hz = np.linspace(0, 8000, 257)
    inside = (bins_hz > 60) & (bins_hz < 7500)
    assert filters.sum(axis=0)[inside] == pytest.approx(1)  # neighbouring triangles add up to 1
    mels = 2595 * np.log10(1 + bins_hz[filters.argmax(axis=1)] / 700)
    assert np.diff(mels)[5:] == pytest.approx(2840.02 / 41, abs=31.25 * 2595 / np.log(10) / 900)


@pytest.mark.parametrize("metric", [log_spectral_distance, lambda a, b: mel_cepstral_distortion(a, b, STFT)])
def test_spectral_distances_grow_with_damage_and_refuse_what_does_not_go_together(metric):
    truth, noise = log_spectra(0), log_spectra(1) + 4
    ladder = [metric(truth + scale * noise, truth) for scale in (0.1, 0.2, 0.5, 1.0)]
    assert ladder == sorted(ladder) and ladder[0] > 0
    with pytest.raises(UndefinedMetric, match="no lost frame"):
        metric(truth[:0], truth[:0])
    with pytest.raises(ValueError, match="expected two of one"):
        metric(truth, truth[:-1])


def test_scores_are_those_of_the_reference_packages_on_made_speech():
    import pesq
    import pystoi

    clean = speech(3)
    other = noisy(clean, 0.02)
    assert stoi(clean, other, RATE) == pytest.approx(pystoi.stoi(clean, other, RATE), abs=1e-6)
    assert estoi(clean, other, RATE) == pytest.approx(pystoi.stoi(clean, other, RATE, extended=True), abs=1e-6)
    assert pesq_nb(clean, other, RATE) == pytest.approx(pesq.pesq(RATE, clean, other, "nb"), abs=1e-6)
    assert pesq_wb(clean, other, RATE) == pytest.approx(pesq.pesq(RATE, clean, other, "wb"), abs=1e-6)
    assert pesq_nb(clean[::2], other[::2], 8000) == pytest.approx(
        pesq.pesq(8000, clean[::2], other[::2], "nb"), abs=1e-6
    )


@pytest.mark.parametrize("metric", [stoi, estoi, pesq_nb, pesq_raw, pesq_wb])
def test_scores_fall_with_noise(metric):
    clean = speech(3)
    ladder = [metric(clean, noisy(clean, level), RATE) for level in (0.001, 0.003, 0.01, 0.03)]
    assert ladder == sorted(ladder, reverse=True) and len(set(ladder)) == 4


@needs_grid
@pytest.mark.parametrize("clip", ["s1/bbir9a", "s4/bbilzs", "s31/bgiq6p"])
@pytest.mark.slow
def test_real_clips_score_as_the_reference_packages_do_and_worse_with_longer_gaps(clip):
    import pesq
    import pystoi

    clean = read_mono(real_clip(clip), RATE)
    references = {
        stoi: lambda other: pystoi.stoi(clean, other, RATE),
        estoi: lambda other: pystoi.stoi(clean, other, RATE, extended=True),
        pesq_nb: lambda other: pesq.pesq(RATE, clean, other, "nb"),
        pesq_wb: lambda other: pesq.pesq(RATE, clean, other, "wb"),
    }
    for metric, reference in references.items():
        ladder = []
        for gap_s in (0.1, 0.4, 0.8, 1.6):
            other = damaged(clean, gap_s)
            ladder.append(metric(clean, other, RATE))
            assert ladder[-1] == pytest.approx(reference(other), abs=1e-6)
        # In one of the clips the wide band scores a gap of 400 ms above one of 100 ms.
        falling = ladder if metric is not pesq_wb else [ladder[0], ladder[-1]]
        assert falling == sorted(falling, reverse=True)
    assert stoi(clean, clean, RATE) == pytest.approx(1, abs=1e-6)
    assert estoi(clean, clean, RATE) == pytest.approx(1, abs=1e-6)
    assert pesq_raw(clean, clean, RATE) == pytest.approx(4.5, abs=1e-3)


def test_the_extended_stoi_of_silence_does_not_depend_on_what_was_drawn_before():
    clean = speech(0)
    silenced = clean.copy()
    silenced[8000:24000] = 0
    np.random.seed(1)
    first = estoi(clean, silenced, RATE)
    following = np.random.random()
    np.random.seed(2)
    assert estoi(clean, silenced, RATE) == first
    np.random.seed(1)
    assert np.random.random() == following  # and it leaves the random numbers of others as they were


def test_raw_pesq_is_what_the_paper_reports():
    # Table 1 of Morrone et al. (2021) and the LQO that its raw figures stand for.
    for raw, lqo in ((1.634, 1.391), (2.458, 2.085), (2.525, 2.166)):
        assert raw_from_lqo(lqo) == pytest.approx(raw, abs=2e-3)
    for raw in (-0.5, 1.0, 4.5):
        assert raw_from_lqo(0.999 + 4 / (1 + np.exp(-1.4945 * raw + 4.6607))) == pytest.approx(raw, abs=1e-9)


def test_what_cannot_be_scored_says_why():
    clean = speech(0)
    for metric in (stoi, estoi):
        paused = clean * np.where(np.arange(len(clean)) < 5000, 1, 1e-4)
        for short in (clean[:100], clean[12000:15000], paused):
            with pytest.raises(UndefinedMetric, match=r"less than 0\.4 s of speech"):
                metric(short, short, RATE)
    for metric in (stoi, estoi, pesq_nb, pesq_raw, pesq_wb):
        with pytest.raises(UndefinedMetric, match="the reference is silent"):
            metric(np.zeros(16000), clean[:16000], RATE)
        with pytest.raises(UndefinedMetric, match="not a number"):
            metric(clean, np.full_like(clean, np.nan), RATE)
        with pytest.raises(ValueError, match="one length"):
            metric(clean, clean[:-1], RATE)
    for metric in (pesq_nb, pesq_raw, pesq_wb):
        with pytest.raises(UndefinedMetric, match="restored signal is silent"):
            metric(clean, np.zeros_like(clean), RATE)
        with pytest.raises(UndefinedMetric, match="PESQ"):
            metric(clean[:2000], clean[:2000], RATE)
    with pytest.raises(ValueError, match="8000 or 16000"):
        pesq_nb(clean, clean, 22050)
    with pytest.raises(ValueError, match="at 16000 Hz, not 8000"):
        pesq_wb(clean, clean, 8000)


def test_speech_that_pesq_does_not_find_is_no_score(monkeypatch):
    import pesq

    def refuse(*_):
        raise pesq.NoUtterancesError(b"No utterances detected")

    monkeypatch.setattr(pesq, "pesq", refuse)
    with pytest.raises(UndefinedMetric, match="PESQ: No utterances detected"):
        pesq_wb(speech(0), speech(1), RATE)


def test_the_recipe_lists_every_metric():
    text = (Path(__file__).parents[1] / "recipes/grid/README.md").read_text("utf-8")
    assert [name for name in METRICS if f"`{name}`" not in text] == []


def test_metrics_are_chosen_by_name_in_the_order_of_the_table(monkeypatch):
    assert [metric.name for metric in choose_metrics("pesq, l1")] == ["l1", "pesq"]
    assert [metric.name for metric in choose_metrics("default, lsd,stoi")] == ["l1", "lsd", "stoi", "pesq", "pesq_raw"]
    with pytest.raises(ConfigError, match="no metric 'loudness': expected all, default, or some of l1"):
        choose_metrics("loudness")
    assert METRICS["lsd"].heading == "LSD, dB (lower is better)"
    assert METRICS["stoi"].heading == "STOI (higher is better)"
    assert len({metric.heading for metric in METRICS.values()}) == len(METRICS)
    monkeypatch.setattr(mos, "PACKAGES", ("speechmos", "a_package_that_is_not_there"))
    with pytest.raises(
        ConfigError, match=r"a_package_that_is_not_there: pip install -c constraints\.txt -e '\.\[mos\]'"
    ):
        choose_metrics("all")
    with pytest.warns(AvsiWarning, match="plcmos is left out: PLCMOS and DNSMOS need"):
        assert [metric.name for metric in choose_metrics("l1,plcmos", if_installed=True)] == ["l1"]
    with pytest.raises(ConfigError, match="need speechmos, a_package_that_is_not_there"):
        plcmos(speech(0), RATE)


@pytest.mark.slow
@pytest.mark.parametrize("metric", [plcmos, dnsmos])
def test_predicted_opinions_are_the_same_each_time(metric):
    for package in mos.PACKAGES:
        pytest.importorskip(package, reason="the extra `mos` is not installed")
    clean = speech(0)
    score = metric(2 * clean / np.abs(clean).max(), RATE)  # beyond full scale
    assert 1 <= score <= 5 and metric(2 * clean / np.abs(clean).max(), RATE) == score
    with pytest.raises(UndefinedMetric, match="the restored signal is silent"):
        metric(np.zeros(RATE), RATE)
    with pytest.raises(ValueError, match="at 16000 Hz, not 8000"):
        metric(clean, 8000)


@pytest.mark.slow
@needs_grid
@pytest.mark.parametrize("metric", [plcmos, dnsmos])
def test_predicted_opinions_of_real_speech_fall_where_packets_are_lost(metric):
    for package in mos.PACKAGES:
        pytest.importorskip(package, reason="the extra `mos` is not installed")
    clean = read_mono(real_clip("s4/bbilzs"), RATE)
    lossy = clean.copy()
    for start in range(8000, 40000, 1600):
        lossy[start : start + 640] = 0
    assert metric(lossy, RATE) < metric(clean, RATE) - 0.3
