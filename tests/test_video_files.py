import numpy as np
import pytest
from conftest import face, mouth_opening, speech, write_video

from avsi.data.gaps import Gap
from avsi.errors import MediaError
from avsi.media import video_reading
from avsi.media.sound_reading import open_sound
from avsi.media.video_reading import has_picture, open_picture, read_frames, sound_start_s, video_info
from avsi.media.video_writing import write_mp4, write_webm
from avsi.pages.overlay import GAP_COLOUR, draw_points, draw_tracks
from avsi.video.tracks import Tracks


def bar(image: np.ndarray) -> float:
    """Which frame of ``write_video`` an image is."""
    return (np.flatnonzero(image[70, :, 0] > 130).mean() - 2.5) / 2


def test_times_are_the_containers(tmp_path):
    path = write_video(tmp_path / "clip.mkv", speech(0, rate=44100), codecs=("mpeg1video", "flac"))
    times, images = zip(*read_frames(path), strict=True)
    assert times == pytest.approx(np.arange(75) / 25, abs=1e-4)
    assert [bar(image) for image in images] == pytest.approx(range(75), abs=0.8)


def test_a_variable_frame_rate_keeps_its_times(tmp_path):
    times_s = np.cumsum(np.random.default_rng(0).choice([1 / 60, 1 / 25, 1 / 10], 40))
    path = write_video(tmp_path / "clip.mp4", speech(0, 4.0, 44100), times_s=times_s, codecs=("libx264", "aac"))
    found = [(time_s, bar(image)) for time_s, image in read_frames(path)]
    # AAC's priming shifts the sound's start by a fixed amount within a frame of it; the picture keeps its distances.
    assert np.diff([time_s for time_s, _ in found]) == pytest.approx(np.diff(times_s), abs=1e-3)
    assert [index for _, index in found] == pytest.approx(range(40), abs=0.8)


def test_times_count_from_the_first_sound_sample(tmp_path):
    """A track that starts 0.5 s late: its sound's sample 0 belongs to the frame shown at 0.5 s."""
    early = write_video(tmp_path / "early.mkv", speech(0, rate=44100), codecs=("libx264", "flac"))
    late = write_video(tmp_path / "late.mkv", speech(0, rate=44100), codecs=("libx264", "flac"), sound_delay_s=0.5)
    offset = next(read_frames(early))[0] - next(read_frames(late))[0]
    assert offset == pytest.approx(0.5, abs=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["clip.mkv", "clip.mpg", "clip.mp4"])
def test_a_stretch_of_a_video_is_the_same_as_in_the_whole(tmp_path, name):
    path = write_video(tmp_path / name, speech(0, 12.0, 44100), 85, codecs=("mpeg1video", "mp2"))
    whole = dict(read_frames(path))
    for start_s, stop_s in ((1.0, 2.0), (0.01, 0.5), (2.5, 30.0), (0.0, 1.0)):
        part = list(read_frames(path, start_s, stop_s))
        assert [time_s for time_s, _ in part] == [time_s for time_s in whole if start_s <= time_s < stop_s]
        assert all(np.array_equal(image, whole[time_s]) for time_s, image in part)
    assert list(read_frames(path, 100.0, 101.0)) == []
    check_stretches(path)


def check_stretches(path) -> None:
    """Of a video that stays open, stretches in any order are the same as in the whole."""
    whole = dict(read_frames(path))
    with open_picture(path) as picture:
        for start_s, stop_s in ((0.2, 0.5), (0.5, 0.6), (1.5, 30.0), (100.0, 101.0), (1.2, 1.4), (0.0, 0.2)):
            part = list(picture.frames(start_s, stop_s))
            assert [time_s for time_s, _ in part] == [time_s for time_s in whole if start_s <= time_s < stop_s]
            assert all(np.array_equal(image, whole[time_s]) for time_s, image in part)


def test_information_and_missing_tracks(tmp_path):
    path = write_video(tmp_path / "clip.mpg", speech(0, rate=44100))
    info = video_info(path)
    assert (info.width, info.height, info.fps) == (176, 144, 25)
    assert info.n_frames == pytest.approx(75, abs=15)  # from the stated duration
    sound_only = write_video(tmp_path / "sound.mka", speech(0, rate=44100), n_frames=None)
    assert not has_picture(sound_only)
    with pytest.raises(MediaError, match="has no picture track"):
        list(read_frames(sound_only))
    silent = write_video(tmp_path / "silent.mpg", None)
    with pytest.raises(MediaError, match="has no sound track"), open_sound(silent):
        pass


def test_a_drawn_video_keeps_times_and_sound(tmp_path):
    import soundfile

    soundfile.write(tmp_path / "sound.wav", speech(0), 16000)
    times_s = [0.1, 0.14, 0.3, 0.5]
    pictures = ((time_s, np.full((101, 151, 3), 40 * k, np.uint8)) for k, time_s in enumerate(times_s))
    write_mp4(tmp_path / "out.mp4", pictures, tmp_path / "sound.wav", 0.0)
    found = list(read_frames(tmp_path / "out.mp4"))
    assert [time_s for time_s, _ in found] == pytest.approx(times_s, abs=1e-4)
    assert found[0][1].shape == (100, 150, 3)
    with open_sound(tmp_path / "out.mp4") as sound:
        assert np.array_equal(sound.read()[:, 0], soundfile.read(tmp_path / "sound.wav", dtype="int16")[0])


B_FRAMES = {
    "libx264": {"preset": "ultrafast", "bf": "3", "b_strategy": "0"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=none:bframes=3:b-adapt=0"},
}


@pytest.mark.slow
@pytest.mark.parametrize("codec", B_FRAMES)
@pytest.mark.parametrize("name", ["in.mkv", "in.mp4", "in.mov", "in.ts"])
def test_pictures_stored_in_another_order_than_shown_are_all_kept(tmp_path, name, codec):
    """Matroska tells no decode times of the first pictures, the key frame among them."""
    import av
    import soundfile

    options = B_FRAMES[codec] | {"g": "12"}
    path = write_video(tmp_path / name, speech(0, 1.0, 44100), 25, codecs=(codec, "aac"), options=options)
    with av.open(str(path)) as container:
        shown = [packet.pts for packet in container.demux(video=0) if packet.size]
    assert len(shown) == 25 and shown != sorted(shown)
    soundfile.write(tmp_path / "sound.wav", speech(0, 1.0), 16000)
    write_mp4(tmp_path / "out.mp4", path, tmp_path / "sound.wav", sound_start_s(path))
    before, after = ([*zip(*read_frames(path), strict=True)] for path in (path, tmp_path / "out.mp4"))
    assert len(before[0]) == 25 and np.array_equal(before[1], after[1])
    assert after[0] == pytest.approx(before[0], abs=1e-3)


def test_pictures_in_another_order_that_no_times_tell_are_encoded_anew(tmp_path):
    path = write_video(tmp_path / "in.avi", None, 12, codecs=("libx264", "mp3"), options=B_FRAMES["libx264"])
    write_mp4(tmp_path / "out.mp4", path, None, sound_start_s(path))
    before, after = ([*zip(*read_frames(path), strict=True)] for path in (path, tmp_path / "out.mp4"))
    assert after[0] == pytest.approx(before[0], abs=1e-3)
    assert [bar(image) for image in after[1]] == pytest.approx([bar(image) for image in before[1]], abs=0.3)


def test_a_webm_keeps_times_and_its_sound_is_in_step(tmp_path):
    """Opus begins with samples that players must leave out; what is heard starts where the WAV does."""
    import soundfile

    sound = np.zeros(32000)
    sound[[4000, 4001, 24000, 24001]] = 0.9
    soundfile.write(tmp_path / "sound.wav", sound, 16000)
    times_s = [0.1, 0.14, 0.3, 1.5]
    pictures = ((time_s, np.full((101, 151, 3), 40 * k, np.uint8)) for k, time_s in enumerate(times_s))
    write_webm(tmp_path / "out.webm", pictures, tmp_path / "sound.wav")
    found = list(read_frames(tmp_path / "out.webm"))
    assert [time_s for time_s, _ in found] == pytest.approx(times_s, abs=1e-3)
    assert [image.mean() for _, image in found] == pytest.approx([0, 40, 80, 120], abs=4)
    with open_sound(tmp_path / "out.webm") as opened:
        heard = np.abs(opened.read()[:, 0])
        assert opened.n_samples / opened.rate == pytest.approx(2.0, abs=0.001)
    half = len(heard) // 2
    peaks_s = [int(heard[:half].argmax()) / opened.rate, (half + int(heard[half:].argmax())) / opened.rate]
    assert peaks_s == pytest.approx([0.25, 1.5], abs=0.002)


def test_a_film_without_a_frame_is_not_written(tmp_path):
    import soundfile

    soundfile.write(tmp_path / "sound.wav", speech(0), 16000)
    with pytest.raises(MediaError, match=r"out\.webm: there is no frame to write"):
        write_webm(tmp_path / "out.webm", iter(()), tmp_path / "sound.wav")


def test_landmarks_are_drawn_where_they_are_and_their_absence_shows():
    time_s = np.arange(3) / 25
    points = face(mouth_opening(0, time_s), time_s).points[0]
    image = np.zeros((288, 360, 3), np.uint8)
    drawn = draw_points(image, points)
    assert not image.any()
    for x, y in points[[8, 48, 54, 62]]:
        assert drawn[round(float(y)), round(float(x))].max() > 100
    red = draw_points(image, np.full((68, 2), np.nan))
    assert red[0, 0].tolist() == [255, 0, 0] and not red[100, 100].any()


def test_an_overlay_has_a_frame_for_each_of_the_videos(tmp_path):
    path = write_video(tmp_path / "clip.mpg", None, n_frames=5)
    time_s = np.arange(5) / 25
    drawn = list(draw_tracks(path, face(mouth_opening(0, time_s), time_s)))
    assert [round(t, 2) for t, _ in drawn] == [0.0, 0.04, 0.08, 0.12, 0.16]


def test_an_overlay_shows_the_gap_and_is_scaled_down(tmp_path):
    path = write_video(tmp_path / "clip.mpg", None, n_frames=10)
    time_s = np.arange(10) / 25
    tracks = face(np.zeros(10), time_s, scale=30.0, shift=(88.0, 50.0))
    # The second gap passes between two frames.
    gaps = [Gap(0.12, 0.19), Gap(0.285, 0.29)]
    drawn = [image for _, image in draw_tracks(path, tracks, gaps=gaps, max_height=72)]
    assert {image.shape for image in drawn} == {(72, 88, 3)}
    framed = [image[0, 0].tolist() == list(GAP_COLOUR) for image in drawn]
    assert np.flatnonzero(framed).tolist() == [3, 4, 7]
    chin = tracks.points[0, 8] / 2
    assert drawn[0][round(float(chin[1])), round(float(chin[0]))].min() > 150
    part = Tracks(time_s[5:], tracks.points[5:])
    assert [round(t, 2) for t, _ in draw_tracks(path, part, start_s=0.19)] == [0.2, 0.24, 0.28, 0.32, 0.36]


def test_an_avi_has_no_presentation_times_and_its_frames_follow_each_other(tmp_path):
    path = write_video(tmp_path / "clip.avi", speech(0, rate=44100), 40)
    times, images = zip(*read_frames(path), strict=True)
    assert times == pytest.approx(np.arange(40) / 25, abs=0.13)
    assert np.diff(times) == pytest.approx(1 / 25)
    assert [bar(image) for image in images] == pytest.approx(range(40), abs=0.8)
    part = list(read_frames(path, 0.5, 1.0))
    assert [time_s for time_s, _ in part] == [time_s for time_s in times if 0.5 <= time_s < 1.0]
    check_stretches(path)


def test_of_an_avi_later_stretches_go_on_where_the_last_one_ended(tmp_path, monkeypatch):
    path, decoded = write_video(tmp_path / "clip.avi", None, 40), []
    decode = video_reading.decoded_frames

    def counted(*arguments):
        for frame in decode(*arguments):
            decoded.append(frame)
            yield frame

    monkeypatch.setattr(video_reading, "decoded_frames", counted)
    with open_picture(path) as picture:
        assert sum(len(list(picture.frames(start_s, start_s + 0.2))) for start_s in (0.2, 0.6, 1.0)) == 15
    assert len(decoded) == 31


def test_a_cover_is_no_picture(tmp_path):
    import av

    with av.open(str(tmp_path / "cover.mp3"), "w") as out:
        sound = out.add_stream("mp3", rate=44100, layout="mono")
        cover = out.add_stream("mjpeg")
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        image = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 90, np.uint8), format="rgb24")
        for packet in [*cover.encode(image), *cover.encode()]:
            out.mux(packet)
        values = np.rint(speech(0, rate=44100) * 32767).astype(np.int16)
        for start in range(0, len(values) - 1152, 1152):
            frame = av.AudioFrame.from_ndarray(values[None, start : start + 1152], format="s16", layout="mono")
            frame.rate, frame.pts = 44100, start
            out.mux(sound.encode(frame))
        out.mux(sound.encode())
    assert not has_picture(tmp_path / "cover.mp3")
    with open_sound(tmp_path / "cover.mp3") as opened:
        assert opened.n_samples > 2.9 * 44100


def turned(path, quarter_turns: int):
    """A film of an MP4 with the matrix that phones write: it is to be shown turned clockwise."""
    a, b = ((1, 0), (0, 1), (-1, 0), (0, -1))[quarter_turns]
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 44  # the picture's track comes first
    matrix = [a << 16, b << 16, 0, -b << 16, a << 16, 0, 0, 0, 1 << 30]
    data[at : at + 36] = b"".join(number.to_bytes(4, "big", signed=True) for number in matrix)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("quarter_turns", [0, 1, 2, 3])
def test_a_film_of_a_phone_is_upright(tmp_path, quarter_turns):
    path = write_video(tmp_path / "clip.mp4", None, 2, codecs=("libx264", "aac"))
    _, plain = next(read_frames(path))
    _, image = next(read_frames(turned(path, quarter_turns)))
    assert np.array_equal(image, np.rot90(plain, -quarter_turns))


def test_a_stretch_between_key_frames_that_are_far_apart_is_whole(tmp_path):
    """An MPEG program stream has no index: a seek in it leads to the key frame behind the time, here 3 s."""
    import av

    with av.open(str(tmp_path / "clip.mpg"), "w") as out:
        video = out.add_stream("mpeg1video", rate=25, options={"g": "75", "bf": "0", "sc_threshold": "1000000000"})
        video.width, video.height, video.pix_fmt, video.bit_rate = 176, 144, "yuv420p", 2_000_000
        for index in range(85):
            image = np.full((144, 176, 3), 40, np.uint8)
            image[:, 2 * index : 2 * index + 6] = 220
            out.mux(video.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        out.mux(video.encode())
    times, images = zip(*read_frames(tmp_path / "clip.mpg", 2.5, 2.9), strict=True)
    assert times == pytest.approx(np.arange(63, 73) / 25, abs=1e-3)
    assert [bar(image) for image in images] == pytest.approx(range(63, 73), abs=0.8)
