import warnings

import numpy as np
import pytest
import torch
from conftest import RATE, face, mouth_opening, small_config, speech

from avsi.data.gaps import Gap, gap_spans, lost_samples
from avsi.errors import AvsiWarning, FaceError, GapError, MediaError, ModelError
from avsi.models.inpainter import BLSTMInpainter
from avsi.models.store import save_model
from avsi.restoring.baselines import SpectralInterpolation
from avsi.restoring.excerpts import plan_excerpts
from avsi.restoring.inpainting import BATCH_FRAMES, DamagedExcerpt, Inpainter
from avsi.video.tracks import Tracks

GAPS = [Gap(0.8, 1.6), Gap(2.0, 2.1)]
TIME_S = np.arange(75) / 25
FACE = face(mouth_opening(0, TIME_S), TIME_S)


@pytest.fixture(scope="module")
def inpainter():
    torch.manual_seed(0)
    audio_only = BLSTMInpainter(small_config(model={"video": False})).eval()
    return Inpainter(BLSTMInpainter(small_config()).eval(), audio_only)


@pytest.mark.parametrize("rate", [RATE, 44100, 48000])
def test_changing_the_clean_samples_inside_a_gap_changes_nothing(inpainter, rate):
    """The released code masks the clean spectrogram, whose frames beside a gap still hold samples from inside it. So do
    the samples at another rate, which are made from those on both sides of an edge.
    """
    samples = speech(0, rate=rate)
    inside = lost_samples(gap_spans(GAPS, len(samples), rate), len(samples))
    changed = np.where(inside, np.random.default_rng(0).standard_normal(len(samples)), samples).astype(np.float32)
    one, two = (inpainter.inpaint(x, rate, GAPS, FACE) for x in (samples, changed))
    assert np.array_equal(one, two)
    nan = np.where(inside, np.nan, samples).astype(np.float32)
    assert np.array_equal(inpainter.inpaint(nan, rate, GAPS, FACE), one)


@pytest.mark.parametrize("dtype", ["int16", "int32", "float32", "float64", "uint8"])
@pytest.mark.parametrize(
    ("rate", "channels"), [(8000, None), (16000, 1), (44100, 2), pytest.param(48000, 3, marks=pytest.mark.slow)]
)
def test_every_sample_outside_the_gaps_is_the_inputs(inpainter, dtype, rate, channels):
    floats = speech(0, rate=rate)
    if channels:
        floats = np.stack([floats * (0.5 + c) for c in range(channels)], axis=1)
    samples = floats.astype(dtype) if dtype.startswith("f") else (floats * np.iinfo(dtype).max / 2).astype(dtype)
    restored = inpainter.inpaint(samples, rate, GAPS, FACE)
    inside = lost_samples(gap_spans(GAPS, len(samples), rate), len(samples))
    assert restored.dtype == samples.dtype and restored.shape == samples.shape
    assert np.array_equal(restored[~inside], samples[~inside])
    assert not np.array_equal(restored[inside], samples[inside])
    assert np.isfinite(restored.astype(float)).all()


def test_the_face_matters_and_its_absence_is_said(inpainter):
    samples = speech(0)
    seeing = inpainter.inpaint(samples, RATE, GAPS, FACE)
    half_blind = FACE.points.copy()
    half_blind[18:42] = np.nan  # the first gap, not the second
    with pytest.warns(AvsiWarning, match=r"gap 0\.80-1\.60 s: the face is seen in .*% of it; restored from") as caught:
        mixed = inpainter.inpaint(samples, RATE, GAPS, Tracks(TIME_S, half_blind))
    assert len(caught) == 1
    with pytest.warns(AvsiWarning, match="there is no video"):
        without = inpainter.inpaint(samples, RATE, GAPS)
    first = slice(12800, 25600)
    assert np.array_equal(mixed[13000:25000], without[13000:25000])
    assert not np.array_equal(seeing[first], without[first])
    assert not np.array_equal(mixed[32000:33600], without[32000:33600])


def test_the_face_of_a_gap_far_into_a_recording_is_the_one_seen_there(inpainter):
    """An excerpt begins 3 s before its gap; the video's clock goes with it."""
    samples, time_s = np.concatenate([speech(seed) for seed in range(3)]), np.arange(200) / 25
    tracks = face(mouth_opening(0, time_s), time_s)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        whole = inpainter.inpaint(samples, RATE, [Gap(5.0, 5.6)], tracks)
        part = inpainter.inpaint(samples[2 * RATE :], RATE, [Gap(3.0, 3.6)], Tracks(time_s - 2, tracks.points))
    assert np.array_equal(whole[2 * RATE :], part)
    # And it counts which part of the face's motion that is.
    other = inpainter.inpaint(samples, RATE, [Gap(5.0, 5.6)], face(mouth_opening(1, time_s), time_s))
    assert not np.array_equal(whole, other)


def test_a_video_that_ends_before_the_gap_shows_nothing_of_it(inpainter):
    """The last picture is held for one frame; its face is not taken for what is said after it."""
    ended = Tracks(TIME_S[:21], FACE.points[:21])  # up to 0.8 s
    with pytest.warns(AvsiWarning, match=r"gap 0\.80-1\.00 s: the face is seen in \d+% of it; restored from the sound"):
        inpainter.inpaint(speech(0), RATE, [Gap(0.8, 1.0)], ended)


@pytest.mark.slow
def test_where_hardly_any_sound_is_left_a_note_says_how_much(inpainter):
    baseline = Inpainter(SpectralInterpolation())
    message = r"gap 0\.00-2\.70 s: only 0\.28 s of sound are left around it to restore it from"
    with pytest.warns(AvsiWarning, match=message):
        baseline.inpaint(speech(0), RATE, [Gap(0, 2.7)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        baseline.inpaint(speech(0), RATE, [Gap(0.4, 2.8)])
    with pytest.warns(AvsiWarning, match="only 0\\.18 s of sound") as notes:
        baseline.inpaint(speech(0), RATE, [Gap(0.0, 1.4), Gap(1.5, 2.9)])
    assert [str(note.message)[:15] for note in notes] == ["gap 0.00-1.40 s", "gap 1.50-2.90 s"]


def test_without_a_face_and_an_audio_only_model_it_is_an_error(inpainter):
    with pytest.raises(FaceError, match="there is no video, and the model needs a face"):
        Inpainter(inpainter.model).inpaint(speech(0), RATE, GAPS)


def test_a_model_that_cannot_take_over_is_refused(inpainter):
    with pytest.raises(ModelError, match="needs one itself"):
        Inpainter(inpainter.model, inpainter.model)
    other = small_config(model={"video": False}, stft={"hop_samples": 128})
    with pytest.raises(ModelError, match="another kind of spectrogram"):
        Inpainter(inpainter.model, BLSTMInpainter(other))


def test_an_empty_array_is_refused(inpainter):
    with pytest.raises(MediaError, match="holds no samples"):
        inpainter.inpaint(np.zeros(0), RATE, GAPS)
    with pytest.raises(MediaError, match="whole number"):
        inpainter.inpaint(speech(0), 16000.5, GAPS)


def test_a_gap_to_the_end_as_it_is_displayed(inpainter):
    samples = speech(0, duration_s=2.97796)
    restored = inpainter.inpaint(samples, RATE, [(2.5, 2.978)], FACE)
    assert restored[40000:].any() and len(restored) == len(samples)


def test_a_silent_channel_stays_silent(inpainter):
    samples = np.stack([speech(0), np.zeros(len(speech(0)), np.float32)], axis=1)
    restored = inpainter.inpaint(samples, RATE, GAPS, FACE)
    assert not restored[:, 1].any()
    assert restored[16000:20000, 0].any()


def test_samples_that_are_not_numbers_are_refused_with_their_time(inpainter):
    samples = speech(0)
    samples[8000] = np.nan
    with pytest.raises(MediaError, match=r"not a number, the first at 0\.500 s"):
        inpainter.inpaint(samples, RATE, GAPS, FACE)


def test_shapes_rates_and_types_that_make_no_sense_are_refused(inpainter):
    with pytest.raises(MediaError, match="expected \\(n_samples,\\)"):
        inpainter.inpaint(np.zeros((2, 3, 4)), RATE, GAPS)
    with pytest.raises(MediaError, match="rate of 0"):
        inpainter.inpaint(speech(0), 0, GAPS)
    with pytest.raises(MediaError, match="complex"):
        inpainter.inpaint(speech(0).astype(complex), RATE, GAPS, FACE)
    with pytest.raises(GapError, match="outside the recording"):
        inpainter.inpaint(speech(0), RATE, [Gap(2.0, 5.0)])


def test_excerpts_hold_their_gaps_with_context_and_group_neighbours():
    hour = 3600 * RATE
    spans = [(100 * RATE, 101 * RATE), (102 * RATE, 103 * RATE), (2000 * RATE, 2001 * RATE), (hour - 10, hour)]
    excerpts = plan_excerpts(spans, hour, RATE)
    assert [(e.start / RATE, e.stop / RATE) for e in excerpts[:2]] == [(97, 106), (1997, 2004)]
    assert (excerpts[2].start, excerpts[2].stop) == (hour - 10 - 3 * RATE, hour)
    assert [e.own for e in excerpts] == [spans[:2], spans[2:3], spans[3:]]


def test_many_gaps_in_a_row_make_excerpts_of_bounded_length_that_know_all_their_gaps():
    spans = [(n * RATE, n * RATE + RATE // 2) for n in range(1000)]
    excerpts = plan_excerpts(spans, 1000 * RATE, RATE)
    assert [span for e in excerpts for span in e.own] == spans
    assert max(e.stop - e.start for e in excerpts) <= 16 * RATE
    middle = excerpts[10]
    assert set(middle.own) < {(a, b) for a, b in middle.lost}


def test_a_recording_restored_in_excerpts_is_the_same_as_each_gap_alone(inpainter):
    samples = np.concatenate([speech(seed) for seed in range(8)])
    far = [Gap(1.0, 1.4), Gap(20.0, 20.4)]
    audio_only = Inpainter(inpainter.audio_only)
    together = audio_only.inpaint(samples, RATE, far)
    one_by_one = audio_only.inpaint(audio_only.inpaint(samples, RATE, far[:1]), RATE, far[1:])
    assert np.array_equal(together, one_by_one)


def several_excerpts(inpainter, monkeypatch) -> tuple[list[DamagedExcerpt], list[int]]:
    """Excerpts of unequal lengths, the last without a face; and a list of how many rows each network run has."""
    lengths = [47648, 30000, 21000, 40000]
    spans = [(12800, 19200)]
    excerpts = [
        inpainter.prepare_excerpt(speech(n)[:length, None], spans, spans, FACE if n < 3 else None)
        for n, length in enumerate(lengths)
    ]
    rows, forward = [], BLSTMInpainter.forward
    monkeypatch.setattr(BLSTMInpainter, "forward", lambda self, *a: rows.append(len(a[0])) or forward(self, *a))
    return excerpts, rows


def test_several_excerpts_are_restored_in_one_run_of_each_network(inpainter, monkeypatch):
    excerpts, rows = several_excerpts(inpainter, monkeypatch)
    together = inpainter.restore_excerpts(excerpts)
    assert rows == [3, 1]
    for excerpt, one in zip(excerpts, together, strict=True):
        (alone,) = inpainter.restore_excerpts([excerpt])
        assert one.log_spectrum.shape == excerpt.log_spectrum.shape
        torch.testing.assert_close(one.log_spectrum, alone.log_spectrum, atol=1e-5, rtol=0)
        assert one.samples.shape == alone.samples.shape
        assert torch.equal(one.log_spectrum[:, ~excerpt.lost], excerpt.log_spectrum[:, ~excerpt.lost])
    assert [bool(one.audio_only[0]) for one in together] == [False, False, False, True]


@pytest.mark.parametrize(("batch_frames", "rows"), [(0, [2, 2, 2]), (1000, [2, 2, 2]), (2200, [4, 2]), (8000, [6])])
def test_a_batch_is_bounded_by_its_frames_with_the_padding(inpainter, monkeypatch, batch_frames, rows):
    """Excerpts of 3.4 s with their context: 6.4 s and 534 frames, in stereo twice; the first is shorter."""
    _, seen = several_excerpts(inpainter, monkeypatch)
    samples = np.concatenate([speech(seed) for seed in range(12)])
    stereo = np.stack([samples, samples[::-1]], axis=1)
    several = Inpainter(inpainter.audio_only, batch_frames=batch_frames)
    restored = several.inpaint(stereo, RATE, [Gap(2.0, 2.4), Gap(15.0, 15.4), Gap(28.0, 28.4)])
    assert seen == rows
    changed = np.flatnonzero((restored != stereo).any(axis=1)) / RATE
    assert all(((changed >= start) & (changed < start + 0.4)).any() for start in (2, 15, 28))
    assert (np.isin(np.floor(changed), (2, 15, 28)) & (changed % 1 < 0.4)).all()


def test_a_model_of_ones_own_needs_a_config_and_one_method(inpainter):
    class Louder:
        config = inpainter.audio_only.config

        def restore_spectrum(self, log_spectrum, visual, lost):
            assert visual.shape == (len(lost), 0) and lost.dtype == torch.bool
            return log_spectrum.where(~lost[:, None], torch.tensor(1.0))

    spans = [(12800, 19200)]
    restored = Inpainter(Louder(), batch_frames=8000).restore_excerpt(speech(0)[:, None], spans, spans, None)
    assert (restored.log_spectrum[:, restored.lost] == 1).all() and not (restored.log_spectrum == 1).all(dim=-1).all()


def test_models_are_loaded_onto_the_device_asked_for(monkeypatch, tmp_path):
    for name, model in (("av", {}), ("a", {"video": False})):
        save_model(tmp_path / name, BLSTMInpainter(small_config(model=model)))
    loaded = Inpainter.from_pretrained(tmp_path / "av", tmp_path / "a", device="cpu")
    assert loaded.batch_frames == 0
    assert {each.audio_mean.device.type for each in (loaded.model, loaded.audio_only)} == {"cpu"}
    # Weights without values stand for a GPU's.
    monkeypatch.setattr("avsi.restoring.inpainting.choose_device", torch.device)
    loaded = Inpainter.from_pretrained(tmp_path / "av", tmp_path / "a", device="meta")
    assert loaded.batch_frames == BATCH_FRAMES
    assert {each.audio_mean.device.type for each in (loaded.model, loaded.audio_only)} == {"meta"}


def test_interpolation_is_linear_between_the_reliable_neighbours():
    log_spectrum = torch.arange(10.0)[None, :, None].repeat(1, 1, 257) ** 2
    lost = torch.zeros(10, dtype=torch.bool)
    lost[[0, 4, 5, 6, 9]] = True
    restored = SpectralInterpolation().restore_spectrum(log_spectrum, torch.zeros(10, 0), lost)[0, :, 0]
    assert restored.tolist() == [1, 1, 4, 9, 19, 29, 39, 49, 64, 64]


def test_a_baseline_restores_through_the_same_class():
    samples = speech(0)
    restored = Inpainter(SpectralInterpolation()).inpaint(samples, RATE, [Gap(0.8, 0.9)])
    assert restored[12800:14400].std() > 0.01
    assert np.array_equal(restored[:12800], samples[:12800])


@pytest.mark.parametrize(("n_seen", "believed"), [(7, False), (15, True)])
def test_a_face_that_is_seen_in_less_than_half_of_a_gap_is_not_believed(inpainter, n_seen, believed):
    points = FACE.points.copy()
    points[20 + n_seen : 42] = np.nan  # of the 20 frames of the gap from 0.8 to 1.6 s
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", AvsiWarning)
        inpainter.inpaint(speech(0), RATE, GAPS[:1], Tracks(TIME_S, points))
    assert not caught if believed else "the face is seen in 3" in str(caught[0].message)
