"""Each rule finds its damage, and nothing in what is whole."""

import time
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from conftest import RATE, speech, write_video
from damaged import found, is_near, spans, voice

from avsi import AvsiWarning, ConfigError, Gap, MediaError
from avsi.data.damage import KINDS, Damage
from avsi.detecting.channels import SAME_TIME, over_channels, overlap
from avsi.detecting.detect import detect_file, detect_in, in_time
from avsi.media.sound_reading import open_sound
from avsi.restoring.detection import gaps_of, why_left


@pytest.mark.parametrize(("seed", "subtype"), [(0, "PCM_16"), (1, "PCM_U8"), (2, "PCM_24")])
def test_nothing_is_found_in_a_whole_voice(tmp_path, seed, subtype):
    assert found(tmp_path, speech(seed, 6.0), subtype=subtype) == []


@pytest.mark.parametrize(
    ("subtype", "value"), [("PCM_16", 0.0), ("PCM_U8", 0.0), ("PCM_U8", 0.25), ("PCM_24", -0.5), ("FLOAT", 0.25)]
)
def test_zeros_and_constants_in_speech_have_exact_edges(tmp_path, subtype, value, monkeypatch):
    monkeypatch.setattr("avsi.media.sound_writing.BLOCK_SAMPLES", 16000)  # an edge of a block lies in the gap
    samples = voice()
    samples[15600:16400] = value
    [(kind, start, stop)] = spans(found(tmp_path, samples, subtype=subtype))
    slack = 2 if subtype == "PCM_U8" else 1  # a coarse sample beside the gap may have its value by chance
    assert kind == "silence" and 15600 - slack <= start <= 15600 and 16400 <= stop <= 16400 + slack


def test_eight_thousand_samples_a_second(tmp_path):
    samples = speech(0, 6.0, 8000)
    samples[7800:8200] = 0
    assert spans(found(tmp_path, samples, 8000), 8000) == [("silence", 7800, 8200)]


def test_zeros_of_20_ms_are_found_and_less_is_no_silence(tmp_path):
    samples = voice()
    samples[15600:15920] = 0
    assert spans(found(tmp_path, samples)) == [("silence", 15600, 15920)]
    samples = voice()
    samples[15600:15900] = 0
    assert not [each for each in found(tmp_path, samples) if each.kind == "silence"]


def test_zeros_in_a_pause_are_damage_where_pauses_have_a_sound_and_none_behind_a_gate(tmp_path):
    samples = voice(8.0, 0.9)
    samples[int(2.2 * RATE) : int(2.4 * RATE)] = 0
    open_pause = voice(8.0, 0.9)
    both = np.concatenate([samples, open_pause])
    assert spans(found(tmp_path, both)) == [("silence", int(2.2 * RATE), int(2.4 * RATE))]
    gated = speech(0, 8.0)
    loud = np.convolve(np.abs(gated) > 0.02, np.ones(800), "same") > 0
    gated[~loud] = 0
    assert found(tmp_path, gated) == []
    assert len([each for each in found(tmp_path, gated, sure=0.1) if each.kind == "silence"]) > 10


def test_all_silent_is_one_silence_and_an_unused_channel_is_none(tmp_path):
    assert spans(found(tmp_path, np.zeros(2 * RATE))) == [("silence", 0, 2 * RATE)]
    assert found(tmp_path, np.stack([voice(), np.zeros(6 * RATE)], axis=1)) == []


def test_damage_of_one_channel_is_told_by_channel_and_that_of_both_once(tmp_path):
    samples = np.stack([voice(), 0.7 * voice()], axis=1)
    samples[15600:16400, 1] = 0
    samples[43000:44000] = 0
    damages = found(tmp_path, samples)
    assert spans(damages) == [("silence", 15600, 16400), ("silence", 43000, 44000)]
    assert [each.channel for each in damages] == [1, None]


def test_channels_that_part_are_heard_as_each_alone(tmp_path):
    """The second one is the first for more than a block of the file, and then not."""
    one = voice()
    one[15600:16400] = 0
    two = one.copy()
    two[66000:] *= 0.5
    two[72000:73000] = 0
    both = found(tmp_path, np.stack([one, two], axis=1), kinds=KINDS)
    alone = [found(tmp_path, each, kinds=KINDS) for each in (one, two)]
    assert spans([each for each in both if each.channel in (None, 0)]) == spans(alone[0])
    assert spans([each for each in both if each.channel in (None, 1)]) == spans(alone[1])
    assert ("silence", 72000, 73000) in spans(alone[1]) and [each.channel for each in both] == [None, 1]


def code(path: Path, samples: np.ndarray, codec: str, rate: int, bit_rate: int) -> Path:
    """Write sound through a lossy codec."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=rate, layout="mono")
        stream.bit_rate = bit_rate
        frame = av.AudioFrame.from_ndarray(samples.astype(np.float32)[None], "fltp", "mono")
        frame.rate, frame.pts = RATE, 0
        size = stream.codec_context.frame_size or 1024
        resampler = av.AudioResampler(stream.format.name, "mono", rate, size)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            out.mux(stream.encode(part))
        out.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("name", "codec", "rate", "bit_rate"),
    [
        ("a.mp3", "libmp3lame", RATE, 48_000),
        ("a.m4a", "aac", RATE, 48_000),
        ("a.ogg", "libopus", 48_000, 32_000),
    ],
)
def test_what_codecs_make_of_zeros_is_found(tmp_path, name, codec, rate, bit_rate):
    samples = voice()
    expected = [("silence", 15400, 16200), ("silence", 42800, 44400)]
    for _, start, stop in expected:
        samples[start:stop] = 0
    assert is_near(
        spans(detect_file(code(tmp_path / name, samples, codec, rate, bit_rate), tagger=None)), expected, 0.012
    )
    assert detect_file(code(tmp_path / name, voice(), codec, rate, bit_rate), tagger=None) == []


def test_tones_over_speech_and_instead_of_it_are_found_and_hums_are_not(tmp_path):
    time_s = np.arange(6 * RATE) / RATE
    samples, tone = voice(), 0.3 * np.sin(2 * np.pi * 1000 * time_s)
    samples[16000:19200] += tone[16000:19200]
    samples[40000:40960] = tone[40000:40960]
    samples[64000:68000] = (0.5 * tone + 0.2 * np.sin(2 * np.pi * 1477 * time_s))[64000:68000]  # of two sines
    expected = [("tone", 16000, 19200), ("tone", 40000, 40960), ("tone", 64000, 68000)]
    assert is_near(spans(found(tmp_path, samples)), expected, 0.006)
    assert found(tmp_path, voice() + 0.1 * tone) == []


def test_packets_that_are_played_again_are_found(tmp_path):
    samples = voice()
    samples[16000:16960] = samples[15040:16000]  # 60 ms, once more
    for again in range(4):  # 20 ms, four times more
        samples[43200 + 320 * again : 43520 + 320 * again] = samples[42880:43200]
    damages = found(tmp_path, samples)
    assert is_near(spans(damages), [("repeat", 16000, 16960), ("repeat", 43200, 44480)], 0.004)
    assert [each.sure for each in damages] == [1.0, 1.0]


def test_flat_tops_are_found_below_full_scale_too(tmp_path):
    samples = voice()
    samples[43000:46000] *= 4
    assert found(tmp_path, np.clip(samples, -0.99, 0.99)) == []
    [(kind, start, stop)] = spans(found(tmp_path, np.clip(samples, -0.3, 0.3)))
    assert kind == "clipping" and 43000 <= start < stop <= 46000 and stop - start > 1000


def test_a_click_is_found_and_close_ones_are_one(tmp_path):
    samples = voice()
    samples[48000:48002] += [0.7, -0.7]
    samples[76000] -= 0.6
    samples[76040] += 0.6
    assert found(tmp_path, samples) == []  # only where that is asked for
    [one, two] = found(tmp_path, samples, kinds=["click"])
    assert (one.kind, two.kind) == ("click", "click")
    assert one.start_s <= 3.0 < one.end_s < 3.003
    assert two.start_s <= 4.75 and 4.7525 < two.end_s < 4.755


def test_time_stamps_that_jump_are_told_of_sound_and_of_picture(tmp_path):
    whole = write_video(tmp_path / "whole.mp4", speech(0, rate=48000), codecs=("mpeg4", "aac"), rate=48000)
    assert detect_file(whole, tagger=None) == []
    lost = tmp_path / "lost.mkv"
    with av.open(str(whole)) as before, av.open(str(lost), "w") as after:
        tracks = {track.index: after.add_stream_from_template(track) for track in before.streams}
        for packet in before.demux():
            time_s = float((packet.pts or 0) * packet.time_base)
            sound = packet.stream.type == "audio"
            if packet.dts is None or (sound and 1.0 <= time_s < 1.2) or (not sound and 2.0 <= time_s < 2.3):
                continue
            packet.stream = tracks[packet.stream.index]
            after.mux(packet)
    with pytest.warns(AvsiWarning, match=r"0\.2\d s of its sound are lost"):
        [sound, picture] = detect_file(lost, tagger=None)
    assert (sound.kind, sound.seen_by, picture.kind, picture.seen_by) == ("jump", "jump", "jump", "picture")
    assert abs(sound.end_s - sound.start_s - 0.213) < 0.005 and abs(sound.start_s - 1.02) < 0.03
    assert abs(picture.end_s - picture.start_s - 0.32) < 0.05 and abs(picture.start_s - 2.0) < 0.06
    assert [(gap.start_s, gap.end_s) for gap in gaps_of([sound, picture])] == [(sound.start_s, sound.end_s)]


def test_kinds_and_confidence_choose_what_is_told(tmp_path):
    samples = voice()
    samples[15600:16400] = 0
    samples[48000:48002] += [0.7, -0.7]
    soundfile.write(tmp_path / "in.wav", samples, RATE)
    assert [each.kind for each in detect_file(tmp_path / "in.wav", tagger=None)] == ["silence"]
    assert [each.kind for each in detect_file(tmp_path / "in.wav", ["click"], tagger=None)] == ["click"]
    both = detect_file(tmp_path / "in.wav", ["click", "silence"], tagger=None)
    assert [each.kind for each in both] == ["silence", "click"] and both[0].sure < both[1].sure
    sure = detect_file(tmp_path / "in.wav", ["click", "silence"], both[1].sure, tagger=None)
    assert [each.kind for each in sure] == ["click"]
    with pytest.raises(ConfigError, match=r"sure 2: expected from 0 to 1"):
        detect_file(tmp_path / "in.wav", sure=2, tagger=None)
    samples[100] = np.nan
    soundfile.write(tmp_path / "nan.wav", samples, RATE, subtype="FLOAT")
    with pytest.raises(MediaError, match=r"nan\.wav: the sound holds samples that are not a number"):
        detect_file(tmp_path / "nan.wav", tagger=None)


def test_what_is_long_is_passed_over_with_a_warning_and_what_overlaps_is_one_gap():
    damages = [Damage(0, 31, "silence"), Damage(40, 41, "tone"), Damage(40.5, 42, "repeat"), Damage(50, 51, "jump")]
    with pytest.warns(AvsiWarning, match="damage of more than 30 s is left as it is"):
        assert [(gap.start_s, gap.end_s) for gap in gaps_of(damages)] == [(40, 42), (50, 51)]


@pytest.mark.slow
def test_a_long_file_takes_the_memory_of_a_short_one(tmp_path):
    import subprocess
    import sys

    program = (
        "import resource, sys\nfrom avsi.detecting.detect import detect_file\n"
        "detect_file(sys.argv[1], ['silence'], tagger=None)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    paths = [tmp_path / f"{minutes}.wav" for minutes in (1, 12)]
    for path, minutes in zip(paths, (1, 12), strict=True):
        soundfile.write(path, np.tile(speech(0)[:47600], 21 * minutes)[: 60 * minutes * 8000], 8000)
    peaks = []
    for path in paths:
        result = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True)
        peaks.append(int(result.stdout))
    assert (peaks[1] - peaks[0]) / 1e3 < 25  # as 64-bit samples it would be 46


class Ear:
    """In the place of a listener: hears what it is told, and keeps what it was told is known."""

    def __init__(self, heard: list[Damage]) -> None:
        self.heard, self.known = heard, list[Damage]()

    def see(self, path, sound, kinds, progress) -> None:
        return None

    def listen(self, sound, kinds, known, tracks, progress) -> list[Damage]:
        self.known = list(known)
        return [*known, *(each for each in self.heard if each.kind in kinds)]


def test_what_is_heard_joins_what_rules_find(tmp_path):
    samples = voice()
    samples[15600:16400] = 0
    for start in (35200, 64000):  # too loud
        samples[start : start + 1600] = np.clip(20 * samples[start : start + 1600], -0.6, 0.6)
    soundfile.write(tmp_path / "in.wav", samples, RATE)
    ear = Ear([Damage(2.2, 2.3, "burst", 0.9, "tagger+face"), Damage(5.0, 5.2, "noise", 0.4, "tagger")])
    with open_sound(tmp_path / "in.wav") as sound:
        joined = detect_in(tmp_path / "in.wav", sound, listener=ear)
        noise = detect_in(tmp_path / "in.wav", sound, ["noise"], sure=0.3, listener=ear)
    assert ("burst", "tagger+face") in [(each.kind, each.seen_by) for each in joined]
    [flat] = [each for each in joined if each.kind == "clipping"]  # the burst explains the other flat tops
    assert flat.start_s == pytest.approx(4, abs=0.01)
    assert "silence" in [each.kind for each in joined] and "noise" not in [each.kind for each in joined]
    assert [each.kind for each in noise] == ["noise"]


def test_damage_that_lasts_longer_in_one_channel_counts_as_long(tmp_path):
    samples = np.stack([voice(), voice()], axis=1)
    samples[15600:16400] = 0
    samples[15600:16900, 1] = 0
    assert spans(found(tmp_path, samples)) == [("silence", 15600, 16900)]


def test_long_damage_does_not_hide_what_is_short():
    long, short = Damage(0.0, 40.0, "noise", 0.9, "tagger"), Damage(10.0, 10.2, "silence", 1.0, "silence")
    with pytest.warns(AvsiWarning, match=r"0\.00-40\.00 s: damage of more than 30 s is left as it is"):
        assert gaps_of([long, short]) == [Gap(10.0, 10.2)]


def test_channels_are_joined_as_each_pair_would_be_compared():
    def slow(by_channel):
        rest, joined = [list(channel) for channel in by_channel[1:]], []
        for one in by_channel[0]:
            same = [
                next((two for two in other if two.kind == one.kind and overlap(one, two) >= SAME_TIME), None)
                for other in rest
            ]
            if None in same:
                joined.append(one)
                continue
            for other, two in zip(rest, same, strict=True):
                other.remove(two)
            times = [(each.start_s, each.end_s) for each in (one, *same)]
            joined.append(Damage(min(a for a, _ in times), max(b for _, b in times), one.kind, 1.0, "", None))
        return in_time([*joined, *(each for other in rest for each in other)])

    rng = np.random.default_rng(0)
    for n_channels in (1, 2, 3):
        by_channel = [
            [
                Damage(start_s, start_s + float(rng.exponential(0.5)), kind, 1.0, "", channel)
                for start_s, kind in zip(
                    rng.uniform(0, 20, 60).tolist(), rng.choice(["tone", "click"], 60), strict=True
                )
            ]
            for channel in range(n_channels)
        ]
        joined = in_time(over_channels(by_channel, 20.0))
        assert joined == slow(by_channel)
        assert n_channels == 1 or any(each.channel is None for each in joined)


def test_many_clicks_in_two_channels_are_joined_at_once():
    clicks = [
        [Damage(n / 10, n / 10 + 0.004, "click", 1.0, "click", channel) for n in range(20000)] for channel in (0, 1)
    ]
    started_s = time.process_time()
    assert len(over_channels(clicks, 2000.0)) == 20000
    assert time.process_time() - started_s < 1  # by pairs it takes minutes


def test_what_is_left_as_it_is_has_a_reason():
    damages = [
        Damage(0, 1, "clipping"),
        Damage(2, 33, "silence"),
        Damage(40, 41, "jump", 1.0, "picture"),
        Damage(50, 75, "noise"),
        Damage(70, 90, "tone"),
        Damage(95, 96, "click"),
    ]
    clipped, long, picture, *joined, click = why_left(damages)
    assert clipped == "it may be meant; --kinds clipping restores it" and long == "it lasts more than 30 s"
    assert picture == "only pictures are missing" and click == ""
    assert set(joined) == {"it lasts more than 30 s, with what it overlaps"}
    assert why_left(damages, ["clipping", "silence"])[0] == ""
    with pytest.warns(AvsiWarning):
        gaps = gaps_of(damages[1:])
    kept = [(each.start_s, each.end_s) for each, reason in zip(damages, why_left(damages), strict=True) if not reason]
    assert [(gap.start_s, gap.end_s) for gap in gaps] == kept


def test_every_kind_is_explained():
    from avsi.commands.detect import detect

    assert [kind for kind in KINDS if kind not in (detect.__doc__ or "")] == []
