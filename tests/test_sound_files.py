import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import RATE, speech, write_video

from avsi.audio.samples import from_float, resample, to_float
from avsi.errors import AvsiError, AvsiWarning, DataError, MediaError
from avsi.files import written_beside
from avsi.media.sound_reading import open_sound, read_mono
from avsi.media.sound_writing import write_wav


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "uint8", "float32", "float64"])
def test_floats_and_back(dtype):
    values = np.array([-1.0, -0.5, 0.0, 0.25, 0.75])
    exact = from_float(values, dtype)
    assert exact.dtype == dtype
    assert to_float(exact) == pytest.approx(values, abs=1 / 128)
    assert np.array_equal(from_float(to_float(exact), dtype), exact)
    limits = from_float(np.array([-2.0, 2.0]), dtype)
    if not dtype.startswith("float"):
        assert limits.tolist() == [np.iinfo(dtype).min, np.iinfo(dtype).max]


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="Linux' /proc is a folder in which no file can be made")
def test_what_cannot_be_written_is_said_as_the_system_says_it():
    with pytest.raises(DataError) as raised:
        write_wav("/proc/new.wav", speech(0), RATE)
    assert str(raised.value) == "/proc/new.wav: cannot be written (No such file or directory)"


def test_only_sound_finer_than_24_bit_is_said_to_be(tmp_path):
    for subtype, finer in (("PCM_16", False), ("PCM_24", False), ("PCM_32", True), ("FLOAT", True)):
        soundfile.write(tmp_path / "in.wav", speech(0), RATE, subtype=subtype)
        with open_sound(tmp_path / "in.wav") as sound:
            assert sound.over_24_bit == finer
    for name, codec, finer in (
        ("in.mka", "aac", False),
        ("in.mka", "flac", False),
        ("in.mov", "pcm_s24le", False),
        ("in.mka", "pcm_f32le", True),
    ):
        with open_sound(write_video(tmp_path / name, speech(0), None, rate=RATE, codecs=("", codec))) as sound:
            assert sound.path != tmp_path / name and sound.over_24_bit == finer


def test_resampling_keeps_time_and_level():
    tone = np.sin(2 * np.pi * 440 * np.arange(44100) / 44100)
    assert resample(tone, 44100, 16000) == pytest.approx(np.sin(2 * np.pi * 440 * np.arange(16000) / 16000), abs=2e-2)
    assert resample(tone, 44100, 44100) is tone


@pytest.mark.parametrize(("rate", "new_rate"), [(44100, 16000), (16000, 44100), (48000, 16000), (8000, 16000)])
@pytest.mark.parametrize("shape", [(1,), (7,), (12345,), (4000, 2)])
def test_resampling_gives_the_values_of_scipy_without_its_import(rate, new_rate, shape):
    from scipy.signal import resample_poly

    samples = np.random.default_rng(0).standard_normal(shape)
    resampled = resample(samples, rate, new_rate)
    assert resampled.shape == (-(-shape[0] * new_rate // rate), *shape[1:])
    assert resampled == pytest.approx(resample_poly(samples, new_rate, rate), abs=1e-12)


def test_mono_is_the_mean_of_the_channels_at_the_rate_asked_for(tmp_path):
    left, right = speech(0, rate=48000), speech(1, rate=48000)
    soundfile.write(tmp_path / "in.wav", np.stack([left, right], axis=1), 48000, subtype="FLOAT")
    samples = read_mono(tmp_path / "in.wav", RATE)
    assert samples.dtype == np.float32 and len(samples) == 47648
    assert samples == pytest.approx(resample((left + right) / 2, 48000, RATE), abs=1e-5)


def test_the_sound_track_of_a_video_is_read_as_it_is_decoded(tmp_path):
    source = speech(0, rate=44100)
    video = write_video(tmp_path / "clip.mkv", source, codecs=("mpeg1video", "flac"))
    with open_sound(video) as sound:
        assert (sound.rate, sound.channels, sound.subtype) == (44100, 1, "PCM_16")
        assert np.array_equal(sound.read()[:, 0], np.rint(source * 32767).astype(np.int16))


def test_decoding_tells_how_far_it_is_by_the_second(tmp_path):
    seen = []

    def progress(items, total, what):
        seen.append([what, total, 0])
        for item in items:
            yield item
            seen[-1][2] += 1

    with open_sound(write_video(tmp_path / "film.mpg", speech(0, 3.5, 44100), 90), progress) as sound:
        assert sound.n_samples >= 3.5 * 44100
    assert seen == [["decoding the sound", 4, 4]]


def test_bad_files_are_named_with_the_reason(tmp_path):
    (tmp_path / "empty.wav").write_bytes(b"")
    (tmp_path / "text.wav").write_text("this is not sound" * 100)
    soundfile.write(tmp_path / "nothing.wav", np.zeros(0), RATE)
    soundfile.write(tmp_path / "whole.wav", speech(0), RATE)
    (tmp_path / "header.wav").write_bytes((tmp_path / "whole.wav").read_bytes()[:30])
    for name, message in (
        ("none.wav", "no such file"),
        ("empty.wav", r"the file is empty \(0 bytes\)"),
        ("text.wav", "not a sound or video file"),
        ("nothing.wav", "holds no sound samples"),
        ("header.wav", "not a sound or video file"),
    ):
        with pytest.raises(MediaError, match=message), open_sound(tmp_path / name):
            pass
    with pytest.raises(MediaError, match="is a folder; expected a sound or video file"), open_sound(tmp_path):
        pass
    bad = speech(0).copy()
    bad[5] = np.nan
    soundfile.write(tmp_path / "nan.wav", bad, RATE, subtype="FLOAT")
    with pytest.raises(MediaError, match="not a number"):
        read_mono(tmp_path / "nan.wav", RATE)


def test_a_truncated_recording_gives_what_is_left_of_it(tmp_path):
    soundfile.write(tmp_path / "whole.wav", speech(0), RATE)
    (tmp_path / "half.wav").write_bytes((tmp_path / "whole.wav").read_bytes()[:40000])
    half = read_mono(tmp_path / "half.wav", RATE)
    assert 15000 < len(half) < 20000
    assert np.array_equal(half, read_mono(tmp_path / "whole.wav", RATE)[: len(half)])


def test_files_appear_whole_or_not_at_all(tmp_path):
    class Interrupted(Exception):
        pass

    (tmp_path / "kept.wav").write_bytes(b"old")
    with pytest.raises(Interrupted), written_beside(tmp_path / "kept.wav") as partial:
        partial.write_bytes(b"half")
        raise Interrupted
    assert (tmp_path / "kept.wav").read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1
    with pytest.raises(DataError, match="does not exist"), written_beside(tmp_path / "no" / "file"):
        pass
    write_wav(tmp_path / "kept.wav", speech(0), RATE)
    assert read_mono(tmp_path / "kept.wav", RATE) == pytest.approx(speech(0), abs=1e-4)
    assert issubclass(DataError, AvsiError)


def drop_packets(source, target, start_s: float, stop_s: float):
    """Copy a container without the sound packets of a stretch."""
    import av

    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        streams = {stream.index: new.add_stream_from_template(stream) for stream in old.streams}
        for packet in old.demux():
            if packet.dts is None:
                continue
            lost = packet.stream.type == "audio" and start_s <= float(packet.pts * packet.time_base) < stop_s
            if not lost:
                packet.stream = streams[packet.stream.index]
                new.mux(packet)
    return target


def test_sound_after_lost_packets_keeps_its_time(tmp_path):
    whole = write_video(tmp_path / "whole.mkv", speech(0, rate=44100), codecs=("mpeg1video", "flac"))
    holed = drop_packets(whole, tmp_path / "holed.mkv", 0.8, 1.2)
    with open_sound(whole) as one:
        expected = one.read()
    with pytest.warns(AvsiWarning, match=r"holed\.mkv: 0\.[34]\d s of its sound are lost"), open_sound(holed) as two:
        found = two.read()
    assert abs(len(found) - len(expected)) <= 44  # times in this container are whole milliseconds
    shift = range(-44, 45)
    tail = [np.array_equal(found[60000 + k : 120000 + k], expected[60000:120000]) for k in shift]
    assert any(tail)
    assert not found[40000:48000].any() and expected[40000:48000].any()


def test_one_damaged_packet_does_not_cost_the_rest(tmp_path):
    whole = write_video(tmp_path / "whole.mpg", speech(0, rate=44100))
    data = bytearray(whole.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 3000] = np.random.default_rng(0).bytes(3000)
    (tmp_path / "damaged.mpg").write_bytes(data)
    with open_sound(whole) as sound:
        length = sound.n_samples
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AvsiWarning)
        assert len(read_mono(tmp_path / "damaged.mpg", 44100)) == pytest.approx(length, abs=0.1 * length)


def test_samples_are_rounded_to_the_nearest_value():
    steps = np.array([0.6, -0.6, 0.4, -0.4, 100.7]) / 32768
    assert from_float(steps, np.int16).tolist() == [1, -1, 0, 0, 101]


def test_a_short_hole_too_keeps_what_follows_at_its_time(tmp_path):
    """Two packets of FLAC, some 0.2 s."""
    whole = write_video(tmp_path / "whole.mkv", speech(0, rate=44100), codecs=("mpeg1video", "flac"))
    holed = drop_packets(whole, tmp_path / "holed.mkv", 0.9, 1.02)
    with pytest.warns(AvsiWarning, match=r"holed\.mkv: 0\.[12]\d s of its sound are lost"), open_sound(holed) as sound:
        assert sound.n_samples == pytest.approx(len(speech(0, rate=44100)), abs=44)


def test_a_sound_track_that_changes_its_rate_is_refused(tmp_path):
    """Two MP3 files, one behind the other, as radio recorders leave them."""
    import av

    both = b""
    for rate in (44100, 22050):
        with av.open(str(tmp_path / "part.mp3"), "w") as out:
            stream = out.add_stream("mp3", rate=rate, layout="mono")
            frame = av.AudioFrame.from_ndarray(np.zeros((1, rate), np.int16), format="s16p", layout="mono")
            frame.rate = rate
            out.mux([*stream.encode(frame), *stream.encode()])
        both += (tmp_path / "part.mp3").read_bytes()
    (tmp_path / "both.mp3").write_bytes(both)
    with pytest.raises(MediaError, match=r"both\.mp3: its sound changes its rate or channels after "):
        read_mono(tmp_path / "both.mp3", RATE)
