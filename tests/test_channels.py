"""Gaps of single channels: what restores them, and that no other channel changes."""

import warnings

import numpy as np
import pytest
import soundfile
from conftest import RATE, speech

from avsi import Gap, Inpainter, inpaint_file
from avsi.audio.transfer import follow
from avsi.data.damage import Damage
from avsi.data.gaps import gap_spans, gaps_by_channel
from avsi.detecting.damage_files import read_gaps
from avsi.errors import AvsiWarning, GapError
from avsi.media.sound_reading import open_sound
from avsi.restoring import channels
from avsi.restoring.aligning import align_file
from avsi.restoring.baselines import SpectralInterpolation
from avsi.restoring.detection import gaps_of
from avsi.restoring.edit_log import list_path, read_edits
from avsi.restoring.reliable import open_source
from avsi.restoring.voices import voice_of, voice_of_file
from avsi.words.captions import Caption

BASELINE = Inpainter(SpectralInterpolation())
LEFT, RIGHT = Gap(1.0, 1.4, (0,)), Gap(2.0, 2.2, (1,))


def delayed(samples: np.ndarray, count: int) -> np.ndarray:
    return np.concatenate([np.zeros(count), samples[:-count]])


@pytest.fixture
def stereo() -> np.ndarray:
    """A speaker nearer to the first microphone."""
    near = speech(0, 4.0).astype(np.float64)
    return np.stack([near, 0.4 * delayed(near, 12)], axis=1)


def test_a_channel_follows_from_another_by_gain_and_delay(stereo):
    known = np.ones(len(stereo), bool)
    known[16000:22400] = False
    for channel, other in (stereo.T, stereo.T[::-1]):
        found = follow(np.where(known, channel, np.nan), other, known, RATE)
        assert found.fit_db > 25
        assert np.abs(found.samples - channel)[16000:22400].max() < 3e-3 * np.abs(channel).max()


def test_a_channel_follows_from_none_that_holds_another_voice_or_nothing(stereo):
    known = np.ones(len(stereo), bool)
    assert follow(stereo[:, 0], speech(3, 4.0), known, RATE).fit_db < 1
    assert follow(stereo[:, 0], np.zeros(len(stereo)), known, RATE) is None
    assert follow(np.zeros(len(stereo)), stereo[:, 0], known, RATE) is None
    known[4000:] = False
    assert follow(stereo[:, 0], stereo[:, 1], known, RATE) is None  # a quarter of a second


@pytest.mark.parametrize("size", [0.5, 1e-200, 1e150, 1e200])
def test_a_channel_follows_from_none_that_holds_one_click(stereo, size):
    known = np.ones(len(stereo), bool)
    known[16000:22400] = False
    click = np.zeros(len(stereo))
    click[40000] = size
    for other in (click, min(size, 1.0) * click):
        found = follow(stereo[:, 0], other, known, RATE)
        assert found is None or (found.fit_db < 1 and np.isfinite(found.samples).all())
    assert follow(click, stereo[:, 0], known, RATE) is None


@pytest.mark.parametrize("size", [1e-200, 1e150, 1e200])
def test_a_channel_of_no_usual_size_follows_exactly_or_not_at_all(stereo, size):
    known = np.ones(len(stereo), bool)
    for channel, other in ((stereo[:, 0], size * stereo[:, 1]), (size * stereo[:, 0], stereo[:, 1])):
        found = follow(channel, other, known, RATE)
        wrong = None if found is None else np.abs(found.samples - channel)[16000:22400].max()
        assert wrong is None or wrong < 0.01 * np.abs(channel).max()


def test_a_source_that_is_silent_in_the_gap_is_none(stereo):
    stereo[16100:22300] = 0  # less than is marked
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        restored = BASELINE.inpaint(stereo, RATE, [LEFT])
    assert np.array_equal(restored[:, :1], BASELINE.inpaint(stereo[:, :1], RATE, [Gap(1.0, 1.4)]))
    assert np.abs(restored[16000:22400, 0]).max() > 0.01


def test_the_damaged_channel_is_restored_from_the_other_which_stays(stereo):
    damaged = stereo.copy()
    damaged[16000:22400, 0] = 0.9  # what is there plays no part
    damaged[32000:35200, 1] = 0
    with pytest.warns(AvsiWarning) as told:
        restored = BASELINE.inpaint(damaged, RATE, [RIGHT, LEFT])
    assert [str(each.message) for each in told] == [
        "channel 1: one gap is restored from channel 2, which holds the same sound",
        "channel 2: one gap is restored from channel 1, which holds the same sound",
    ]
    lost = np.zeros(stereo.shape, bool)
    lost[16000:22400, 0] = lost[32000:35200, 1] = True
    assert np.array_equal(restored[~lost], stereo[~lost])
    assert np.abs(restored - stereo).max() < 2e-3


def test_of_another_speaker_the_model_restores_what_is_lost(stereo):
    two = np.stack([stereo[:, 0], speech(3, 4.0)], axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        restored = BASELINE.inpaint(two, RATE, [LEFT])
    alone = BASELINE.inpaint(two[:, :1], RATE, [Gap(1.0, 1.4)])
    assert np.array_equal(restored[:, :1], alone) and np.array_equal(restored[:, 1], two[:, 1])


def test_who_is_heard_in_the_gap_alone_near_the_other_microphone_is_not_taken(stereo):
    """The near speaker leaks into the far microphone, at which another one speaks during the gap."""
    far = 0.05 * stereo[:, 0]
    far[17000:21000] += speech(3, 4.0)[17000:21000]
    restored = BASELINE.inpaint(np.stack([stereo[:, 0], far], axis=1), RATE, [LEFT])
    assert np.abs(restored[:, 0]).max() <= 2 * np.abs(stereo[:, 0]).max()
    alone = BASELINE.inpaint(stereo[:, :1], RATE, [Gap(1.0, 1.4)])
    assert np.array_equal(restored[:, :1], alone)


def test_of_gaps_that_overlap_in_two_channels_the_model_restores_where_both_are_lost(stereo):
    gaps = [Gap(1.0, 1.4, (0,)), Gap(1.3, 1.6, (1,))]
    with pytest.warns(AvsiWarning) as told:
        restored = BASELINE.inpaint(stereo, RATE, gaps)
    assert [str(each.message) for each in told] == [
        "channel 1: a part of a gap is restored from channel 2, which holds the same sound",
        "channel 2: a part of a gap is restored from channel 1, which holds the same sound",
    ]
    from_other = (slice(16000, 20000), slice(23200, 25600))  # less what the filter reaches at the other channel's gap
    for channel, gap in enumerate(gaps):
        own = BASELINE.inpaint(stereo[:, channel], RATE, [Gap(gap.start_s, gap.end_s)])
        both = slice(20800, 22400)
        assert np.array_equal(restored[both, channel], own[both])
        off = np.abs(restored[:, channel] - stereo[:, channel])
        assert off[from_other[channel]].max() < 2e-3 * np.abs(stereo).max() < off[both].max()
        assert not off[:16000].any() and not off[25600:].any()


def test_a_file_is_restored_bit_for_bit_elsewhere_and_its_list_names_the_channel(stereo, tmp_path):
    damaged = np.rint(stereo * 32767).astype(np.int16)
    damaged[16000:22400, 0] = 0
    soundfile.write(tmp_path / "in.wav", damaged, RATE)
    gaps = [Gap(3.0, 3.1), LEFT]
    with pytest.warns(AvsiWarning, match="channel 1: one gap is restored from channel 2"):
        assert inpaint_file(tmp_path / "in.wav", tmp_path / "out.wav", BASELINE, gaps) == sorted(gaps)
    restored = soundfile.read(tmp_path / "out.wav", dtype="int16")[0]
    changed = restored != damaged
    assert not changed[:48000, 1].any() and not changed[:16000].any() and not changed[22400:48000].any()
    assert changed[16000:22400, 0].any() and changed[48000:49600].all(axis=1).any()
    with open_sound(tmp_path / "out.wav") as sound:
        assert [(each.start_s, each.model, each.channels) for each in read_edits(tmp_path / "out.wav", sound)] == [
            (1.0, "channel 2", [1]),
            (3.0, None, None),
        ]
    assert list_path(tmp_path / "out.wav").is_file()


def test_gaps_are_joined_channel_by_channel():
    gaps = [Gap(1, 2), Gap(1.5, 2.5, (1,)), Gap(3, 4, (0,)), Gap(3, 4, (1,)), Gap(5, 6, (1,)), Gap(5.5, 7, (1,))]
    assert gaps_by_channel(gaps, 2) == [Gap(1, 2, (0,)), Gap(1, 2.5, (1,)), Gap(3, 4), Gap(5, 7, (1,))]
    assert gaps_by_channel(gaps[2:4], 3) == [Gap(3, 4, (0, 1))]
    assert gap_spans(gaps_by_channel(gaps, 2), 80, 10, n_channels=2) == [(10, 25), (30, 40), (50, 70)]
    with pytest.raises(GapError, match=r"gap 5:6@2: there is no channel 2; the recording has one alone"):
        gaps_by_channel(gaps[4:], 1)
    with pytest.raises(GapError, match=r"gap 5\.5:7@2: overlaps the gap before it"):
        gap_spans(gaps[4:], 80, 10, n_channels=2)
    with pytest.raises(GapError, match="cover the whole recording"):
        gap_spans([Gap(0, 8), Gap(1, 2, (1,))], 80, 10, n_channels=2)
    damage = [Damage(1, 2, "silence", channel=1), Damage(1.5, 3, "tone", channel=1), Damage(1, 1.2, "tone", channel=0)]
    assert gaps_of(damage, 2) == [Gap(1, 1.2, (0,)), Gap(1, 3, (1,))]


def test_a_gap_with_channels_is_read_as_it_is_written():
    for gap in (Gap(0.8, 1.6), Gap(0.8, 1.6, (1,)), Gap(0.8, 1.6, (0, 2))):
        assert Gap.parse(str(gap)) == gap
    assert Gap.parse("0.8:1.6@2,1,2") == Gap(0.8, 1.6, (0, 1))
    for text in ("0.8:1.6@left", "0.8:1.6@", "0.8:1.6@1,"):
        with pytest.raises(GapError, match=rf"gap '{text}': expected START:END in seconds, such as"):
            Gap.parse(text)


def test_labels_that_overlap_in_a_channel_are_one_gap(stereo, tmp_path):
    (tmp_path / "labels.txt").write_text("1 1.4 silence (Channel 2)\n1.2 1.6 x\n")
    soundfile.write(tmp_path / "in.wav", stereo, RATE)
    gaps = read_gaps(tmp_path / "labels.txt")
    assert gaps == [Gap(1, 1.4, (1,)), Gap(1.2, 1.6)]
    restored = inpaint_file(tmp_path / "in.wav", tmp_path / "out.wav", BASELINE, gaps)
    assert restored == [Gap(1, 1.6, (1,)), Gap(1.2, 1.6, (0,))]


def test_a_channel_that_is_not_there_is_refused_by_all_that_take_gaps(stereo, tmp_path):
    path, gap = tmp_path / "in.wav", Gap(1, 1.4, (6,))
    soundfile.write(path, stereo, RATE)
    refused = pytest.raises(GapError, match=r"gap 1:1\.4@7: there is no channel 7; the recording has 2")
    with refused:
        align_file(path, [Caption("bin blue")], lambda: None, [gap])
    with refused, open_source(path, [gap]):
        pass
    with refused:
        voice_of_file(path, None, [gap])
    with refused:
        voice_of(stereo, RATE, [gap], None)
    with refused:
        BASELINE.adapt(stereo, RATE, [gap])


def test_what_is_found_is_followed_once_and_told_to_be_taken_from_another_channel(stereo, tmp_path, monkeypatch):
    lengths = []
    monkeypatch.setattr(channels, "follow", lambda *heard: lengths.append(len(heard[0])) or follow(*heard))
    damaged = np.rint(stereo * 32767).astype(np.int16)
    damaged[16000:22400, 0] = 0
    soundfile.write(tmp_path / "in.wav", damaged, RATE)
    with pytest.warns(AvsiWarning, match="channel 1: one gap is restored from channel 2"):
        inpaint_file(tmp_path / "in.wav", tmp_path / "out.wav", BASELINE)
    assert lengths == [len(stereo)]
