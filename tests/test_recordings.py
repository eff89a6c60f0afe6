import warnings
from dataclasses import replace

import av
import numpy as np
import pytest
import soundfile
import torch
from conftest import RATE, small_config, speech, write_video

from avsi.audio.samples import to_float
from avsi.data.gaps import Gap
from avsi.detecting.silence import zero_runs
from avsi.errors import AvsiWarning, GapError, MediaError
from avsi.media.sound_reading import open_sound
from avsi.media.video_reading import read_frames
from avsi.models.inpainter import BLSTMInpainter
from avsi.restoring.baselines import SpectralInterpolation
from avsi.restoring.inpainting import Inpainter
from avsi.restoring.recordings import inpaint_file

BASELINE = Inpainter(SpectralInterpolation())
GAP = Gap(0.8, 1.2)


def outside(samples: np.ndarray, rate: int) -> np.ndarray:
    return np.delete(samples, slice(round(0.8 * rate), round(1.2 * rate)), axis=0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("subtype", "dtype"),
    [
        ("PCM_U8", "int16"),
        ("PCM_16", "int16"),
        ("PCM_24", "int32"),
        ("PCM_32", "int32"),
        ("FLOAT", "float32"),
        ("DOUBLE", "float64"),
        ("ULAW", "int16"),
        ("ALAW", "int16"),
    ],
)
def test_every_wav_format_keeps_its_samples_bit_for_bit(tmp_path, subtype, dtype):
    path, out = tmp_path / "in.wav", tmp_path / "out.wav"
    soundfile.write(path, np.stack([speech(0, rate=22050), speech(1, rate=22050)], axis=1), 22050, subtype=subtype)
    assert inpaint_file(path, out, BASELINE, [GAP]) == [GAP]
    assert soundfile.info(out).subtype == subtype
    before, after = (soundfile.read(name, dtype=dtype)[0] for name in (path, out))
    assert after.shape == before.shape
    assert np.array_equal(outside(before, 22050), outside(after, 22050))
    assert not np.array_equal(before, after)


def test_flac_and_a_name_with_spaces_and_other_letters(tmp_path):
    path, out = tmp_path / "Tonaufnahme für Žofie 1.flac", tmp_path / "wieder hergestellt ☺.flac"
    soundfile.write(path, speech(0), RATE, subtype="PCM_24")
    inpaint_file(path, out, BASELINE, [GAP])
    before, after = (soundfile.read(name, dtype="int32")[0] for name in (path, out))
    assert soundfile.info(out).subtype == "PCM_24"
    assert np.array_equal(outside(before, RATE), outside(after, RATE))


def test_an_mp4_keeps_the_picture_and_the_decoded_sound(tmp_path):
    path = write_video(tmp_path / "in.mpg", speech(0, rate=44100))
    out = tmp_path / "out.mp4"
    inpaint_file(path, out, BASELINE, [GAP])
    before, after = ([*zip(*read_frames(name), strict=True)] for name in (path, out))
    assert after[0] == pytest.approx(before[0], abs=1e-3) and len(after[0]) == 75
    assert np.array_equal(before[1], after[1])
    with open_sound(path) as before, open_sound(out) as after:
        assert after.rate == before.rate and after.n_samples == before.n_samples
        assert np.array_equal(outside(before.read(), 44100), outside(after.read(), 44100))
        assert not np.array_equal(before.read(), after.read())


def test_a_wav_with_the_video_beside_it(tmp_path):
    wav, video = tmp_path / "in.wav", write_video(tmp_path / "face.mpg", None)
    soundfile.write(wav, speech(0), RATE)
    inpaint_file(wav, tmp_path / "out.mp4", BASELINE, [GAP], video)
    with av.open(str(tmp_path / "out.mp4")) as out:
        assert len(out.streams.video) == len(out.streams.audio) == 1
    with pytest.raises(MediaError, match=r"in\.wav has none; choose a \.wav file, or name a --video"):
        inpaint_file(wav, tmp_path / "other.mp4", BASELINE, [GAP])


def film(path, sound_s: float, picture_s: float, start_s: float = 0.0):
    """A second of picture and of sound, whose timestamps start at different times."""
    times_s = start_s + picture_s + np.arange(25) / 25
    codecs, options = ("libx264", "mp2"), {"preset": "ultrafast", "bf": "2", "b_strategy": "0"}
    sound = speech(0, 1.2, 44100)
    return write_video(path, sound, times_s=times_s, codecs=codecs, sound_delay_s=start_s + sound_s, options=options)


def on_a_players_clock(path) -> tuple[float, list[float]]:
    """When the first sample and each picture are played, by FFmpeg alone."""
    with av.open(str(path)) as container:
        sound_s = next(container.decode(audio=0)).time - container.start_time / 1e6
    with av.open(str(path)) as container:
        return sound_s, [frame.time - container.start_time / 1e6 for frame in container.decode(video=0)]


def changed_s(before, after) -> tuple[float, float]:
    """From when to when two sounds differ, from the first sample on; by more than FLAC's 24 bit."""
    differ = np.flatnonzero(np.abs(to_float(before.read()) - to_float(after.read())).max(axis=1) > 1e-6)
    return differ[0] / before.rate, differ[-1] / before.rate


@pytest.mark.slow
@pytest.mark.parametrize(("name", "start_s"), [("in.mkv", 0.0), ("in.mp4", 0.0), ("in.ts", 1.4)])
@pytest.mark.parametrize(("sound_s", "picture_s"), [(0.376, 0.0), (0.0, 0.2)])
def test_times_are_a_players_and_every_picture_is_kept_in_step(tmp_path, name, start_s, sound_s, picture_s):
    path, out, gap = film(tmp_path / name, sound_s, picture_s, start_s), tmp_path / "out.mp4", Gap(0.6, 0.8)
    with warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always")
        assert inpaint_file(path, out, BASELINE, [gap]) == [gap]
    sound_at_s, pictures_s = on_a_players_clock(path)
    # The encoder's first packet starts some samples early.
    assert sound_at_s == pytest.approx(sound_s, abs=0.012)
    assert pictures_s == pytest.approx(picture_s + np.arange(25) / 25, abs=0.012)
    assert on_a_players_clock(out)[0] == pytest.approx(sound_at_s, abs=0.001)
    assert on_a_players_clock(out)[1] == pytest.approx(pictures_s, abs=0.001)
    with open_sound(path) as before, open_sound(out) as after:
        assert before.start_s == pytest.approx(sound_at_s, abs=1e-5)
        first_s, last_s = changed_s(before, after)
    assert (before.start_s + first_s, before.start_s + last_s) == pytest.approx((0.6, 0.8), abs=0.001)
    told = [str(note.message) for note in notes if "--from-first-sample" in str(note.message)]
    assert len(told) == (sound_s > 0) and len(notes) == len(told)
    if told:
        assert told[0].startswith(f"{path}: a player shows {sound_at_s:.3f} s when its sound starts")


def test_times_from_the_first_sample_as_in_audacity(tmp_path):
    path, out, gap = film(tmp_path / "in.mkv", 0.376, 0.0), tmp_path / "out.wav", Gap(0.2, 0.4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert inpaint_file(path, out, BASELINE, [gap], from_first_sample=True) == [gap]
    with open_sound(path) as before, open_sound(out) as after:
        assert changed_s(before, after) == pytest.approx((0.2, 0.4), abs=0.001)
    message = (
        r"out\.wav: its sound starts at 0\.000 s, so that a player shows times 0\.376 s earlier than those of the gaps"
    )
    with pytest.warns(AvsiWarning, match=message), pytest.warns(AvsiWarning, match="--from-first-sample"):
        inpaint_file(path, out, BASELINE, [Gap(0.576, 0.776)])
    with open_sound(path) as before, open_sound(out) as after:
        assert changed_s(before, after) == pytest.approx((0.2, 0.4), abs=0.001)


def test_a_gap_before_the_sound_begins_is_refused_and_found_silence_is_told_at_a_players_time(tmp_path):
    path = film(tmp_path / "in.mkv", 0.376, 0.0)
    for gap in (Gap(0.1, 0.3), Gap(0.3, 0.6), Gap(1.2, 1.7)):
        with pytest.raises(GapError, match=rf"gap {gap}: outside the sound, which plays from 0\.376 to 1\.5\d\d s"):
            inpaint_file(path, tmp_path / "out.wav", BASELINE, [gap])
    sound = speech(0, 1.2, 44100)
    sound[8820:17640] = 0
    late = write_video(tmp_path / "late.mkv", sound, 25, codecs=("libx264", "flac"), sound_delay_s=0.376)
    (found,) = inpaint_file(late, tmp_path / "out.mp4", BASELINE)
    assert (found.start_s, found.end_s) == pytest.approx((0.576, 0.776), abs=0.001)
    with pytest.warns(AvsiWarning, match=r"0\.376 s later"):
        (found,) = inpaint_file(late, tmp_path / "out.mp4", BASELINE, from_first_sample=True)
    assert (found.start_s, found.end_s) == pytest.approx((0.2, 0.4), abs=0.001)


def test_a_sound_file_plays_with_the_first_sample_of_the_videos_own_sound(tmp_path):
    video, wav, out = film(tmp_path / "face.mkv", 0.376, 0.0), tmp_path / "in.wav", tmp_path / "out.mp4"
    soundfile.write(wav, speech(0, 1.2), RATE)
    message = (
        r"out\.mp4: its sound starts at 0\.376 s, so that a player shows times 0\.376 s later than those of the gaps"
    )
    with pytest.warns(AvsiWarning, match=message):
        inpaint_file(wav, out, BASELINE, [Gap(0.4, 0.6)], video)
    sound_s, pictures_s = on_a_players_clock(out)
    assert sound_s == pytest.approx(0.376, abs=0.001) and pictures_s == pytest.approx(np.arange(25) / 25, abs=0.001)


@pytest.mark.parametrize("name", ["in.mp3", "in.ogg"])
def test_compressed_sound_keeps_what_it_decodes_to(tmp_path, name):
    path = tmp_path / name
    soundfile.write(path, speech(0, rate=44100), 44100)
    inpaint_file(path, tmp_path / "out.wav", BASELINE, [GAP])
    with open_sound(path) as before, open_sound(tmp_path / "out.wav") as after:
        assert after.subtype == before.subtype == "FLOAT"
        assert np.array_equal(outside(before.read(), 44100), outside(after.read(), 44100))


@pytest.mark.slow
def test_a_picture_that_mp4_does_not_know_is_encoded_anew(tmp_path):
    path = write_video(tmp_path / "in.webm", speech(0, rate=48000), rate=48000, codecs=("libvpx", "libopus"))
    inpaint_file(path, tmp_path / "out.mp4", BASELINE, [GAP])
    with av.open(str(tmp_path / "out.mp4")) as out:
        assert out.streams.video[0].codec.name == "h264"
    before, after = ([*zip(*read_frames(name), strict=True)] for name in (path, tmp_path / "out.mp4"))
    assert after[0] == pytest.approx(before[0], abs=1e-3)
    assert np.abs(np.array(before[1], float) - np.array(after[1], float)).mean() < 5


@pytest.mark.slow
def test_a_video_without_a_face_falls_back_to_the_sound_and_says_so(tmp_path):
    torch.manual_seed(0)
    audio_only = BLSTMInpainter(small_config(model={"video": False})).eval()
    both = Inpainter(BLSTMInpainter(small_config()).eval(), audio_only)
    path = write_video(tmp_path / "in.mpg", speech(0, rate=44100))
    with pytest.warns(
        AvsiWarning, match=r"gap 0\.80-1\.20 s: no face is seen in the video around it; restored from the"
    ):
        inpaint_file(path, tmp_path / "both.wav", both, [GAP])
    inpaint_file(path, tmp_path / "sound.wav", Inpainter(audio_only), [GAP])
    one, two = (soundfile.read(tmp_path / name)[0] for name in ("both.wav", "sound.wav"))
    assert np.array_equal(one, two)


def test_digital_silence_is_found_across_blocks_and_at_the_ends(tmp_path, monkeypatch):
    monkeypatch.setattr("avsi.media.sound_writing.BLOCK_SAMPLES", 1000)
    samples = np.full((RATE, 2), 0.1)
    for start, stop in ((0, 500), (2900, 5100), (9000, 9320), (9400, 9719), (15600, 16000)):
        samples[start:stop] = 0
    samples[3000:3400, 0] = 0.2  # one channel alone is no silence
    soundfile.write(tmp_path / "in.wav", samples, RATE)
    with open_sound(tmp_path / "in.wav") as sound:
        assert zero_runs(sound) == [(0, 500), (3400, 5100), (9000, 9320), (15600, 16000)]


def test_detecting_restores_the_silence_and_complains_where_there_is_none(tmp_path):
    samples = speech(0)
    soundfile.write(tmp_path / "whole.wav", samples, RATE)
    samples[15200:16800] = 0
    soundfile.write(tmp_path / "holed.wav", samples, RATE)
    assert inpaint_file(tmp_path / "holed.wav", tmp_path / "out.wav", BASELINE) == [Gap(0.95, 1.05)]
    with pytest.raises(GapError, match=r"whole\.wav: no damage is found"):
        inpaint_file(tmp_path / "whole.wav", tmp_path / "out2.wav", BASELINE)
    assert not (tmp_path / "out2.wav").exists()


def test_a_failure_leaves_no_file_and_the_input_is_never_overwritten(tmp_path):
    path = tmp_path / "in.wav"
    soundfile.write(path, speech(0), RATE)
    for out, message in (
        (path, "is the input itself"),
        (tmp_path / "out.mp3", "unknown kind of file '.mp3'"),
        (tmp_path / "nowhere" / "out.wav", "does not exist"),
    ):
        with pytest.raises(MediaError, match=message):
            inpaint_file(path, out, BASELINE, [GAP])
    with pytest.raises(GapError, match="outside the recording"):
        inpaint_file(path, tmp_path / "out.wav", BASELINE, [Gap(1.0, 9.0)])
    assert [file.name for file in tmp_path.iterdir()] == ["in.wav"]


@pytest.mark.slow
def test_an_hour_takes_the_memory_of_a_short_file(tmp_path):
    """In a process of its own: what it peaks at with an hour is hardly more than with a minute."""
    import subprocess
    import sys

    program = (
        "import resource, sys\n"
        "from avsi.restoring.baselines import SpectralInterpolation\n"
        "from avsi.restoring.inpainting import Inpainter\n"
        "from avsi.data.gaps import Gap\n"
        "from avsi.restoring.recordings import inpaint_file\n"
        "gaps = [Gap(5.0 * n + 1, 5.0 * n + 1.2) for n in range(10)]\n"
        "inpaint_file(sys.argv[1], sys.argv[1] + '.out.wav', Inpainter(SpectralInterpolation()), gaps)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    peaks, minute = [], np.tile(speech(0)[:47600], 21)[: 60 * RATE]
    for minutes in (1, 60):
        path = tmp_path / f"{minutes}.wav"
        with soundfile.SoundFile(path, "w", RATE, 1, "PCM_16") as file:
            for _ in range(minutes):
                file.write(minute)
        result = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True)
        peaks.append(int(result.stdout))
    hour_mb = 3600 * RATE * 2 / 1e6
    assert (peaks[1] - peaks[0]) / 1e3 < 0.2 * hour_mb


def test_what_is_restored_louder_than_full_scale_is_not_cut_off_flat(tmp_path):
    samples = speech(0)
    samples *= 0.95 / np.abs(samples).max()
    soundfile.write(tmp_path / "in.wav", samples, RATE)
    gap, loud = (15200, 17600), Inpainter(SpectralInterpolation())
    restore = loud.restore_excerpts
    loud.restore_excerpts = lambda prepared: [replace(one, samples=4 * one.samples) for one in restore(prepared)]
    inpaint_file(tmp_path / "in.wav", tmp_path / "out.wav", loud, [Gap(gap[0] / RATE, gap[1] / RATE)])
    old, new = (soundfile.read(tmp_path / name, dtype="int16")[0] for name in ("in.wav", "out.wav"))
    assert np.abs(new[slice(*gap)].astype(int)).max() > 32000
    assert (np.abs(new[slice(*gap)].astype(int)) > 32766).sum() < 3  # cut off, 73 would be at full scale
    assert np.array_equal(np.delete(old, slice(*gap)), np.delete(new, slice(*gap)))
