"""A model adapted to a recording: what is learned from, that nothing of the gaps gets in, and what is kept."""

import math
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from adaptation import GAPS, LENGTH_S, QUICK, recording, same, small_inpainter, tracks_of, weights
from conftest import RATE, small_config, speech

from avsi.audio.stft import log_magnitude, spectrum
from avsi.data.gaps import Gap
from avsi.errors import AvsiWarning, ModelError
from avsi.models.inpainter import BLSTMInpainter
from avsi.restoring.adapted import check_voice
from avsi.restoring.adapting import TooLittleSpeechError
from avsi.restoring.baselines import SpectralInterpolation
from avsi.restoring.inpainting import Inpainter
from avsi.training.adaptation import Judged, Outcome
from avsi.training.stretches import Stretch, draw_gaps, part_of, split
from avsi.video.tracks import Tracks

pytestmark = pytest.mark.usefixtures("cache")
STFT = small_config().stft


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize("hidden", [0.0, math.nan, 0.9])
def test_what_the_gaps_hold_changes_neither_the_weights_nor_the_output(monkeypatch, tmp_path, hidden):
    samples, other = recording(), recording()
    for gap in GAPS:
        other[round(gap.start_s * RATE) : round(gap.end_s * RATE)] = hidden
    results = []
    for number, each in enumerate((samples, other)):
        monkeypatch.setenv("AVSI_CACHE", str(tmp_path / str(number)))  # both are computed
        adapted = small_inpainter().adapt(each, RATE, GAPS, settings=QUICK)
        results.append((weights(adapted), adapted.inpaint(each, RATE, GAPS), adapted.adaptation))
    assert same(results[0][0], results[1][0])
    assert np.array_equal(results[0][1][gap_samples()], results[1][1][gap_samples()])
    assert results[0][2] == results[1][2]
    assert {path.name for path in (tmp_path / "0" / "adapted").iterdir()} == {
        path.name for path in (tmp_path / "1" / "adapted").iterdir()
    }


def gap_samples() -> np.ndarray:
    return np.concatenate([np.arange(round(gap.start_s * RATE), round(gap.end_s * RATE)) for gap in GAPS])


@pytest.mark.usefixtures("kept")
def test_a_sample_beside_a_gap_changes_the_weights(monkeypatch, tmp_path):
    samples, other = recording(), recording()
    other[round(GAPS[0].start_s * RATE) - 400] += 0.01
    results = []
    for number, each in enumerate((samples, other)):
        monkeypatch.setenv("AVSI_CACHE", str(tmp_path / str(number)))
        results.append(weights(small_inpainter().adapt(each, RATE, GAPS, settings=QUICK)))
    assert not same(*results)


@pytest.mark.usefixtures("kept")
def test_the_same_seed_gives_the_same_weights_and_another_seed_others(monkeypatch, tmp_path):
    results = []
    for number, seed in enumerate((3, 3, 4)):
        monkeypatch.setenv("AVSI_CACHE", str(tmp_path / str(number)))
        torch.manual_seed(number)  # the state of the global generator plays no part, and stays
        state = torch.get_rng_state()
        start = small_inpainter()
        torch.set_rng_state(state)
        results.append(weights(start.adapt(recording(), RATE, [], settings=replace(QUICK, seed=seed))))
        assert torch.equal(torch.get_rng_state(), state)
    assert same(results[0], results[1])
    assert not same(results[0], results[2])


def test_a_better_model_is_kept_and_says_by_how_much():
    start = small_inpainter()
    before = {name: value.clone() for name, value in weights(start).items()}
    adapted = start.adapt(recording(), RATE, GAPS, settings=replace(QUICK, steps=60, learning_rate=5e-3))
    facts = adapted.adaptation
    assert facts.kept
    assert facts.loss_after < facts.loss_before
    assert facts.recordings == ["the recording"]
    assert 5 < facts.speech_s < LENGTH_S - 1.1
    assert 0.15 * LENGTH_S < facts.held_out_s < 0.5 * LENGTH_S
    assert facts.stoi_after >= facts.stoi_before > 0.2
    assert f"error {facts.loss_before:.3f} before, {facts.loss_after:.3f} after, in gaps cut into" in str(facts)
    assert same(weights(start), before)
    assert start.adaptation is None
    assert not same(weights(adapted), before)
    assert not adapted.model.training


def test_a_model_that_is_not_better_on_held_out_sound_is_not_used():
    start = small_inpainter()
    with pytest.warns(AvsiWarning, match="not adapted to the recording: .* it stays as it was"):
        adapted = start.adapt(recording(), RATE, GAPS, settings=replace(QUICK, learning_rate=30.0))
    assert adapted.model is start.model
    assert not adapted.adaptation.kept
    assert adapted.adaptation.loss_after >= adapted.adaptation.loss_before


@pytest.mark.parametrize(
    ("before", "after", "better"),
    [
        (Judged(1.0, 0.8), Judged(0.9, 0.8), True),
        (Judged(1.0, 0.8), Judged(0.9, 0.79), False),
        (Judged(1.0, 0.8), Judged(1.0, 0.81), False),
        (Judged(1.0, math.nan), Judged(0.9, math.nan), True),
        (Judged(1.0, 0.8), Judged(math.nan, math.nan), False),
    ],
)
def test_what_counts_as_better(before, after, better):
    assert Outcome(before, after, 5.0).better is better


@pytest.mark.parametrize(
    ("samples", "found"),
    [(recording(length_s=6.0), r"[2-4]\.\d"), (np.zeros(round(30 * RATE)), r"0\.0"), (recording()[:100], r"0\.0")],
    ids=["short", "silent", "of a moment"],
)
def test_less_speech_than_20_s_is_refused(samples, found):
    with pytest.raises(
        TooLittleSpeechError, match=rf"the recording: {found} s of speech outside the gaps, and 20 s are"
    ):
        small_inpainter().adapt(samples, RATE, [])


def test_almost_all_gap_is_refused():
    with pytest.raises(TooLittleSpeechError, match=r"0\.0 s of speech outside the gaps"):
        small_inpainter().adapt(recording(), RATE, [Gap(0.5, LENGTH_S - 0.5)], settings=QUICK)


def test_only_a_network_of_this_package_can_be_adapted():
    with pytest.raises(ModelError, match="only networks of avsi can be adapted"):
        Inpainter(SpectralInterpolation()).adapt(recording(), RATE, [], settings=QUICK)


@pytest.mark.usefixtures("kept")
def test_without_a_face_the_model_that_restores_is_adapted():
    torch.manual_seed(0)
    seeing, blind = (
        BLSTMInpainter(small_config(model={"video": video, "normalise": "utterance"})).eval() for video in (True, False)
    )
    better = replace(QUICK, steps=20, learning_rate=1e-2)
    both = Inpainter(seeing, blind)
    adapted = both.adapt(recording(), RATE, GAPS, settings=better)
    assert adapted.adaptation.of == "audio_only"
    assert adapted.model is seeing
    assert adapted.audio_only is not blind
    alone = Inpainter(seeing).adapt(recording(), RATE, GAPS, settings=better)
    assert alone.adaptation.of == "model"
    assert all(value.isfinite().all() for value in weights(alone).values())
    seen = both.adapt(recording(), RATE, GAPS, video=tracks_of(), settings=better)
    assert seen.adaptation.of == "model"
    assert seen.audio_only is blind
    assert not same(weights(seen), weights(alone))


@pytest.mark.usefixtures("kept")
def test_speech_while_the_lips_are_still_is_not_learned_from():
    inpainter = small_inpainter(model={"video": True, "normalise": "utterance"})
    moving, still = tracks_of(), tracks_of(moving=False)
    half = len(moving.time_s) // 2
    turns = Tracks(moving.time_s, np.concatenate([moving.points[:half], still.points[half:]]))
    with pytest.warns(AvsiWarning, match=r"the recording: \d s of speech while the lips of the face are still"):
        adapted = inpainter.adapt(recording(), RATE, [], turns, settings=replace(QUICK, min_speech_s=2.0))
    whole = inpainter.adapt(recording(), RATE, [], moving, settings=replace(QUICK, min_speech_s=2.0))
    assert adapted.adaptation.speech_s == pytest.approx(whole.adaptation.speech_s / 2, abs=0.8)
    with pytest.raises(TooLittleSpeechError, match=r"0\.0 s of speech outside the gaps, and \d\.\d s while the lips"):
        inpainter.adapt(recording(), RATE, [], still, settings=QUICK)


def test_held_out_pieces_share_no_frame_with_what_is_learned_from():
    log_spectrum, samples = torch.arange(5000.0)[:, None].expand(-1, 257), torch.arange(960000.0)
    whole = Stretch(samples, log_spectrum, None)
    parts = [part_of(whole, 0, 4000, small_config()), part_of(whole, 4000, 5000, small_config())]
    training, held_out = split(parts, QUICK, small_config())
    learned, judged = (
        sorted(int(x) for each in part for x in each.log_spectrum[:, 0]) for part in (training, held_out)
    )
    assert not set(learned) & set(judged)
    assert len(learned) + len(judged) >= 5000 - 20
    for each in training + held_out:
        assert torch.equal(each.samples[::192], 192 * each.log_spectrum[:, 0])
    assert 0.2 <= len(judged) / 5000 < 0.3


def test_artificial_gaps_are_as_long_as_those_to_be_restored():
    config, rng = small_config(), np.random.default_rng(0)
    piece = log_magnitude(spectrum(torch.from_numpy(speech(0, 4.0)), STFT), STFT)[:333]
    for _ in range(50):
        lost = draw_gaps(piece, [0.6], config, rng)[1].numpy()
        edges = np.flatnonzero(np.diff(np.concatenate([[False], lost, [False]])))
        lengths_s = (edges[1::2] - edges[::2]) * 192 / RATE
        assert lengths_s.min() >= 0.42
        assert lost.sum() * 192 / RATE <= 2.0 + 0.1
    _, lost = draw_gaps(piece[:100], [5.0], config, rng)
    assert 40 < lost.sum() < 60
    general = [int(draw_gaps(piece, [], config, rng)[1].sum()) for _ in range(50)]
    assert len(set(general)) > 20
    assert max(general) <= 0.55 * 333


def test_another_voice_is_told_of_an_adapted_model_alone():
    loud = torch.zeros(100, 257)
    done = small_inpainter().adapt(recording(), RATE, [], settings=QUICK).adaptation
    with pytest.warns(AvsiWarning, match="does not sound like"):
        check_voice(replace(done, kept=True), [loud], small_config().stft)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_voice(replace(done, kept=False), [loud], small_config().stft)
