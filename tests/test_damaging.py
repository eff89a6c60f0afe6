"""Damage made on purpose: its truth is exact, it is as strong as asked, seeds reproduce it, and codecs keep time."""

import math
from itertools import pairwise

import numpy as np
import pytest
import soundfile
from conftest import RATE, run_app, speech, write_video

from avsi.damaging import cuts, files, sounds
from avsi.damaging.clips import MAKERS, damage_clip
from avsi.damaging.coding import coded
from avsi.damaging.noises import coloured_noise, power_of
from avsi.damaging.rooms import breaths, drifting, music, narrow, noisy, reverberant, uneven
from avsi.data.damage import KINDS, Damage
from avsi.data.gap_files import read_label_file
from avsi.errors import AvsiWarning, ConfigError
from avsi.media.sound_reading import open_sound
from avsi.rng import generator

SPAN = (16000, 24000)


@pytest.fixture(scope="module")
def clip() -> np.ndarray:
    one = speech(3, 4.0)
    return np.stack([one, 0.5 * one], axis=1)


def power_db(samples: np.ndarray) -> float:
    return 10 * math.log10(float(np.mean(np.square(samples, dtype=np.float64))))


@pytest.mark.parametrize("kind", MAKERS)
def test_samples_outside_the_truth_are_untouched_and_its_ends_are_damaged(kind, clip):
    for seed in range(4):
        made, truth = damage_clip(clip, RATE, [kind] * 2, generator(seed, "damage"))
        again, _ = damage_clip(clip, RATE, [kind] * 2, generator(seed, "damage"))
        np.testing.assert_array_equal(made, again)
        assert truth and made.dtype == np.float32
        changed = np.zeros(len(clip), bool)
        for each in truth:
            start, stop = round(each.start_s * RATE), round(each.end_s * RATE)
            assert each.start_s * RATE == pytest.approx(start, abs=1e-6) and each.kind in KINDS
            changed[start:stop] = True
            # What is silent, or nearly so, may be what was there; the first sample of a tone is 0.
            near = (made != clip).any(axis=1)
            assert near[start : start + 40].any() and near[stop - 40 : stop].any()
        np.testing.assert_array_equal(made[~changed], clip[~changed])
    other, _ = damage_clip(clip, RATE, [kind] * 2, generator(5, "damage"))
    assert (other != made).any()


def test_noise_and_drop_outs_are_as_strong_as_asked(clip):
    part = clip[slice(*SPAN)]
    for which in sounds.NOISES:
        made = sounds.noise(clip, SPAN, RATE, generator(0, which), snr_db=-7.5, which=which).samples
        assert power_db(part) - power_db(made - part) == pytest.approx(-7.5, abs=0.01)
    made = sounds.burst(clip, SPAN, RATE, generator(0), snr_db=-12).samples
    assert power_db(part) - power_db(made - part) == pytest.approx(-12, abs=0.01)
    for seed in range(4):  # with and without hiss
        made = cuts.level(clip, SPAN, RATE, generator(seed), drop_db=30).samples
        middle = slice(2000, 6000)
        assert power_db(made[middle]) - power_db(part[middle]) == pytest.approx(-30, abs=1.5)


def test_noises_have_their_colour():
    for slope in (0.0, 1.0, 2.0):
        spectrum = np.abs(np.fft.rfft(coloured_noise(1 << 16, slope, generator(0)))) ** 2
        low, high = spectrum[1024:2048].mean(), spectrum[8192:16384].mean()  # three octaves apart
        assert 10 * math.log10(low / high) == pytest.approx(9.03 * slope, abs=0.6)


def test_a_repeat_is_the_sound_before_it_and_a_tone_is_one_line(clip):
    made = cuts.repeat(clip, SPAN, RATE, generator(1)).samples
    packets = [n for n in range(1, 8001) if np.array_equal(made, np.resize(clip[16000 - n : 16000], made.shape))]
    assert packets and packets[0] >= 0.02 * RATE
    made = sounds.tone(clip, SPAN, RATE, generator(2), instead=True).samples[:, 0]
    spectrum = np.abs(np.fft.rfft(made * np.hanning(len(made)))) ** 2
    peak = int(spectrum.argmax())
    assert 400 <= peak * 2 <= 2000 and spectrum[peak - 3 : peak + 4].sum() > 0.85 * spectrum.sum()


def test_lost_packets_come_in_bursts():
    lost = np.concatenate([cuts.lost_packets(200, generator(seed)) for seed in range(50)])
    share, after_a_loss = lost.mean(), lost[1:][lost[:-1]].mean()
    assert 0.1 < share < 0.4 and after_a_loss > 2 * share
    made = cuts.loss(speech(1)[:, None], (16000, 32000), RATE, generator(3), frozen=False)
    assert {kind for _, kind in made.spans} == {"silence"}
    for (start, stop), _ in made.spans:
        assert start % 320 == 0 and (stop - start) % 320 == 0 and not made.samples[start - 16000 : stop - 16000].any()


def test_flat_tops_are_from_the_first_to_the_last(clip):
    made = cuts.clipping(clip, SPAN, RATE, generator(0))
    ((start, stop), _), limit = made.spans[0], np.abs(made.samples).max()
    flat = (np.abs(made.samples) == limit).any(axis=1)
    assert (np.abs(clip[slice(*SPAN)]) > limit).any(axis=1)[[start - 16000, stop - 16001]].all() and flat.sum() > 20


def test_damage_lies_in_speech_and_apart(clip):
    voiced = np.zeros(400, bool)
    voiced[100:300] = True  # from 1 to 3 s of the 4
    for seed in range(5):
        _, truth = damage_clip(clip, RATE, ["noise", "silence", "level"], generator(seed), voiced, longest_s=0.4)
        assert len(truth) == 3
        for one, two in pairwise(truth):
            assert two.start_s - one.end_s >= 0.15 - 1e-6
        inside = sum(max(0, min(each.end_s, 3) - max(each.start_s, 1)) for each in truth)
        assert inside > 0.75 * sum(each.end_s - each.start_s for each in truth)
    assert damage_clip(clip[:1000], RATE, ["noise"], generator(0)) == (pytest.approx(clip[:1000]), [])


@pytest.mark.parametrize(("codec", "rate"), [("mp3", 44100), ("aac", 16000), ("opus", 22050)])
def test_a_codec_keeps_every_sample_at_its_time(codec, rate):
    sound = np.stack([speech(2, 1.0, rate)] * 2, axis=1)
    made = coded(sound, rate, codec, 64)
    assert made.shape == sound.shape and made.dtype == np.float32 and (made != sound).any()
    n = 1 << 17
    alike = np.fft.irfft(np.fft.rfft(made[:, 0], n) * np.conj(np.fft.rfft(sound[:, 0], n)))
    assert int(alike.argmax()) == 0
    assert alike[0] / np.linalg.norm(made[:, 0]) / np.linalg.norm(sound[:, 0]) > 0.95


def test_the_command_keeps_other_samples_and_the_picture_and_writes_the_truth(tmp_path):
    from avsi import cli

    film = write_video(tmp_path / "film.mp4", speech(1, 3.0, 44100), codecs=("mpeg4", "flac"))
    out, truth = tmp_path / "out.mp4", tmp_path / "truth.txt"
    options = ["--kind", "silence", "--kind", "noise", "--count", 2, "--seed", 4]
    run_app(cli.app, "damage", film, *options, "-o", out, "--truth", truth)
    labels = [line.split("\t") for line in truth.read_text().splitlines()]
    assert sorted(kind for _, _, kind in labels) == ["noise", "noise", "silence", "silence"]
    with open_sound(film) as before, open_sound(out) as after:
        one, two = before.read(), after.read()
        rate = before.rate
    assert one.shape == two.shape and rate == 44100
    kept = np.ones(len(one), bool)
    for start, stop, kind in labels:
        span = slice(round(float(start) * rate), round(float(stop) * rate))
        kept[span] = False
        assert kind != "silence" or len(set(two[span, 0].tolist())) == 1
    np.testing.assert_array_equal(one[kept], two[kept])
    wav = tmp_path / "coded.wav"
    run_app(cli.app, "damage", film, *options, "--codec", "opus", "-o", wav, "--truth", truth, "--force")
    assert soundfile.info(wav).frames == len(one)
    assert [line.split("\t") for line in truth.read_text().splitlines()] == labels


def test_one_channel_alone_is_damaged_and_the_labels_say_which(tmp_path, clip):
    from avsi import cli

    paths = clean, out, truth = [tmp_path / name for name in ("clean.wav", "out.wav", "truth.txt")]
    soundfile.write(clean, clip, RATE, subtype="PCM_24")
    options = ["--kind", "noise", "--kind", "silence", "-o", out, "--truth", truth, "--channel"]
    with pytest.raises(ConfigError, match=r"clean\.wav: has no channel 3, but 2"):
        cli.app(["damage", *map(str, (clean, *options, 3))], standalone_mode=False)
    assert [path.exists() for path in paths] == [True, False, False]
    assert f"{out}, channel 2" in run_app(cli.app, "damage", clean, *options, 2)
    gaps = read_label_file(truth)
    assert [gap.channels for gap in gaps] == [(1,), (1,)]
    before, after = (soundfile.read(path, dtype="int32")[0] for path in (clean, out))
    changed = np.flatnonzero((before != after).any(axis=1)) / RATE
    np.testing.assert_array_equal(before[:, 0], after[:, 0])
    assert all(any(gap.start_s <= time_s <= gap.end_s for gap in gaps) for time_s in changed)
    assert all(gap.length_s * RATE > 100 and (np.abs(changed - gap.start_s) < 0.01).any() for gap in gaps)


def test_stretches_that_there_is_no_room_for_are_counted_and_not_their_parts(tmp_path, monkeypatch):
    packets = [Damage(number / 10, number / 10 + 0.02, "silence") for number in range(6)]
    monkeypatch.setattr(files, "damage_stretches", lambda samples, *_: (samples, [packets[:4], packets[4:]]))
    soundfile.write(tmp_path / "in.wav", speech(1), RATE)
    with pytest.warns(AvsiWarning, match=r"has room for 2 of 3 stretches"):
        made = files.damage_file(tmp_path / "in.wav", tmp_path / "out.wav", tmp_path / "truth.txt", ["loss"] * 3)
    assert made == packets


@pytest.mark.parametrize("room", [noisy, reverberant, drifting, uneven, breaths, music, narrow])
def test_rooms_change_a_recording_and_neither_its_length_nor_much_of_its_level(room):
    samples = speech(0, 2.0)
    made, again = (room(samples, RATE, np.random.default_rng(3)) for _ in range(2))
    assert made.shape == samples.shape and np.isfinite(made).all() and np.array_equal(made, again)
    assert 0.01 < np.sqrt(power_of(made - samples) / power_of(samples)) < 2
    assert abs(10 * np.log10(power_of(made) / power_of(samples))) < 9
