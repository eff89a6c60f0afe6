"""The tagger: what matters to it, what it learns, and how frames become events."""

import math
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from conftest import RATE, face, make_datadir, run_app, small_config, speech

from avsi.config import Config, StftConfig, TaggerConfig
from avsi.config_checks import check_config
from avsi.data.damage import Damage
from avsi.detecting.channels import is_missed
from avsi.detecting.detect import detect_in
from avsi.detecting.listener import Listener
from avsi.detecting.tagging import apart, find_events, find_tagged, likely, refine_edges, tag
from avsi.errors import ConfigError
from avsi.media.sound_reading import open_sound
from avsi.models.card import read_card, update_card
from avsi.models.store import load_model, save_model
from avsi.models.tagger import TAGGED, Tagger
from avsi.training.dataset import collate
from avsi.training.run import train
from avsi.training.tagging import TaggingData, damage_at

STFT = StftConfig()


def config_on(folder: Path) -> Config:
    config = small_config(TaggerConfig, model={"hidden": 16, "layers": 4})
    config.data.train = config.data.valid = str(folder / "train")
    config.data.stats = str(folder / "train" / "stats.npz")
    return config


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    from data_prep import stats

    folder = tmp_path_factory.mktemp("tagger")
    make_datadir(folder / "train", [f"a_{n}" for n in range(4)])
    run_app(stats.app, folder / "train")
    return folder


def test_frames_are_damaged_where_more_than_half_of_them_is():
    truth = [Damage(0.120, 0.2425, "noise"), Damage(0.3, 0.303, "click"), Damage(0.36, 0.48, "repeat")]
    at = damage_at([*truth, Damage(0.5, 0.6, "jump")], 60, STFT)
    assert at[:, TAGGED.index("noise")].nonzero()[:, 0].tolist() == list(range(10, 20))
    assert at[:, TAGGED.index("click")].nonzero()[:, 0].tolist() == [25]
    assert at[:, TAGGED.index("silence")].nonzero()[:, 0].tolist() == list(range(42, 50)) and int(at.sum()) == 19


def test_neither_level_nor_a_filter_nor_padding_matters():
    torch.manual_seed(0)
    tagger = Tagger(small_config(TaggerConfig)).eval()
    spectrum = torch.from_numpy(np.random.default_rng(0).normal(-3, 1, (2, 120, 257)).astype(np.float32))
    none = torch.zeros(2, 120, 0)
    scores = tagger(spectrum, none)
    torch.testing.assert_close(tagger(spectrum + math.log(5), none), scores, atol=1e-3, rtol=1e-3)
    padded = torch.cat([spectrum, torch.full((2, 30, 257), 4.0)], dim=1)
    lengths = torch.tensor([120, 120])
    torch.testing.assert_close(tagger(padded, torch.zeros(2, 150, 0), lengths=lengths)[:, :120], scores)
    hidden = torch.full((2, 120, len(tagger.visual_mean)), math.nan)
    torch.testing.assert_close(tagger(spectrum, hidden), scores)
    assert not torch.allclose(tagger(spectrum, torch.ones_like(hidden)), scores)
    assert tagger(torch.full((1, 40, 257), math.log(1e-6)), none[:1, :40]).isfinite().all()


def test_windows_are_drawn_anew_each_epoch_but_those_of_validation(corpus):
    config = config_on(corpus)
    drawn, fixed = TaggingData(corpus / "train", config, True), TaggingData(corpus / "train", config)
    first, (id_, features, lost) = drawn[(1, 0)][1], drawn[(1, 0)]
    assert id_ == "a_1" and features.damage.shape == (len(lost), len(TAGGED)) and not lost.any()
    torch.testing.assert_close(features.log_spectrum, first.log_spectrum)
    same = fixed[1][1].log_spectrum
    drawn.epoch = fixed.epoch = 1
    assert not torch.equal(drawn[(1, 0)][1].log_spectrum, first.log_spectrum)
    torch.testing.assert_close(fixed[1][1].log_spectrum, same)
    batch = collate([drawn[(n, r)] for n in range(4) for r in range(8)])
    assert batch.damage.shape == (32, 249, len(TAGGED)) and 0.005 < batch.damage.float().mean() < 0.1


def test_a_tiny_tagger_learns(corpus, tmp_path):
    config = config_on(corpus)
    config.model.layers, config.model.hidden = 5, 32
    config.training.epoch_utterances, config.training.max_epochs, config.training.batch_size = 160, 1, 8
    config.training.learning_rate = 1e-2
    config.training.average = 0.9
    out = tmp_path / "tagger"
    loss = train(config, out, progress=False)
    assert loss < 0.2  # 0.9 before
    tagger = load_model(out, "tagger")
    save_model(tmp_path / "half", tagger, half=True)
    update_card(tmp_path / "half")
    assert "dilated convolutions of 32 channels" in read_card(tmp_path / "half")


class LoudIsNoise(Tagger):
    """Takes what is louder than a fixed level for noise."""

    def forward(self, log_spectrum, visual, counts=None, lengths=None):
        scores = torch.full((*log_spectrum.shape[:2], len(TAGGED)), -9.0)
        scores[..., TAGGED.index("noise")] = 9 * (2 * (log_spectrum.mean(dim=-1) > -1) - 1)
        return scores


def test_a_face_that_is_not_there_is_told_before_the_sound_is_heard(tmp_path):
    soundfile.write(tmp_path / "clip.wav", np.zeros(RATE), RATE)
    heard, listener = [], Listener(LoudIsNoise(small_config(TaggerConfig)).eval(), face=2)
    with open_sound(tmp_path / "clip.wav") as sound, pytest.raises(ConfigError, match="face 2 is asked for, but there"):
        detect_in(tmp_path / "clip.wav", sound, listener=listener, progress=lambda items, n, what: heard.append(what))
    assert heard == []


def test_events_keep_their_times_over_parts_and_what_is_known_is_not_told_again(tmp_path):
    rate, at_s = 22050, ((1.0, 1.5), (29.8, 30.3), (59.9, 60.0), (64.0, 64.6))
    samples = np.random.default_rng(0).normal(0, 0.002, 66 * rate)
    for start_s, stop_s in at_s:
        samples[round(start_s * rate) : round(stop_s * rate)] *= 50
    soundfile.write(tmp_path / "clip.wav", samples, rate)
    tagger = LoudIsNoise(small_config(TaggerConfig)).eval()
    seen_s = np.arange(0, 20, 0.04)
    tracks = face(np.sin(seen_s), seen_s)
    with open_sound(tmp_path / "clip.wav") as sound:
        found = find_tagged(sound, *tag(sound, tracks, tagger), tagger)
        known = [Damage(29.8, 30.3, "burst")]
        others = find_tagged(sound, *tag(sound, None, tagger, known), tagger, known)
    for one, (start_s, stop_s) in zip(found, at_s, strict=True):
        assert (one.start_s, one.end_s) == pytest.approx((start_s, stop_s), abs=0.0021)
        assert one.kind == "noise" and one.sure > 0.9
    assert [one.seen_by for one in found] == ["tagger+face", "tagger", "tagger", "tagger"]
    assert [round(one.start_s) for one in others] == [1, 60, 64]


def noise_heard_by(listener: Listener, path: Path) -> list[Damage]:
    with open_sound(path) as sound:
        return detect_in(path, sound, ["noise"], listener=listener)


def test_what_is_heard_in_one_channel_is_told_of_that_one(tmp_path):
    samples = np.random.default_rng(0).normal(0, 0.002, (6 * RATE, 2))
    at_s = ((1.0, 1.5, None), (2.0, 2.4, 0), (3.0, 3.3, 1))
    for start_s, stop_s, channel in at_s:
        columns = slice(None) if channel is None else [channel]
        samples[round(start_s * RATE) : round(stop_s * RATE), columns] *= 50
    soundfile.write(tmp_path / "clip.wav", samples, RATE)
    listener = Listener(LoudIsNoise(small_config(TaggerConfig)).eval())
    found = noise_heard_by(listener, tmp_path / "clip.wav")
    assert [(round(one.start_s, 1), round(one.end_s, 1), one.channel) for one in found] == [*at_s]
    soundfile.write(tmp_path / "clip.wav", samples[:, [1, 1]], RATE)
    assert [(round(one.start_s), one.channel) for one in noise_heard_by(listener, tmp_path / "clip.wav")] == [
        (1, None),
        (3, None),
    ]


def test_a_drop_of_level_in_one_channel_is_one_where_another_tells_so(tmp_path):
    near, other = speech(0, 6.0), speech(3, 6.0)
    two, inside = np.stack([near, 0.4 * np.roll(near, 12)], axis=1), slice(2 * RATE, 5 * RATE // 2)
    turns = np.where(np.arange(len(near)) // (2 * RATE) % 2, other, near)  # each has the word for two seconds
    dialogue = np.stack([turns, 0.1 * turns], axis=1)
    dialogue[2 * RATE : 4 * RATE] = dialogue[2 * RATE : 4 * RATE, ::-1]
    dropped = two.copy()
    dropped[inside, 0] *= 0.1
    for samples, end_s, missed in ((dropped, 2.5, True), (two, 2.5, False), (dialogue, 4.0, False)):
        soundfile.write(tmp_path / "clip.wav", samples, RATE)
        with open_sound(tmp_path / "clip.wav") as sound:
            assert is_missed(sound, Damage(2.0, end_s, "level", channel=0)) is missed


def test_events_begin_above_one_threshold_and_end_below_another():
    config = small_config(TaggerConfig)
    config.model.noise_threshold = 0.6
    tagger = Tagger(config)
    chances = np.zeros((60, len(TAGGED)), np.float32)
    chance = chances[:, TAGGED.index("noise")]
    chance[10:20] = 0.4  # with what is beyond the pause
    chance[22:30] = 0.9
    chance[40:50] = 0.5  # never begins
    chance[55:57] = 1.0  # too short
    (event,) = find_events(chances, "noise", tagger)
    assert (event.start_s, event.end_s) == (pytest.approx(22 * 0.012), pytest.approx(30 * 0.012))
    chance[12] = 0.7
    (event,) = find_events(chances, "noise", tagger)
    assert (event.start_s, event.end_s) == (pytest.approx(10 * 0.012), pytest.approx(30 * 0.012))
    sure, doubtful = Damage(1, 2, "noise", 0.9), Damage(1.5, 2.5, "burst", 0.7)
    assert apart([doubtful, sure, Damage(2, 3, "tone", 0.6)]) == [sure, Damage(2, 3, "tone", 0.6)]


def test_edges_move_to_where_the_level_changes(tmp_path):
    samples = np.random.default_rng(0).normal(0, 0.01, 2 * RATE)
    samples[16000:20000] *= 10
    soundfile.write(tmp_path / "a.wav", samples, RATE)
    with open_sound(tmp_path / "a.wav") as sound:
        louder, up = refine_edges(sound, Damage(0.99, 1.265, "noise"))
        assert (louder.start_s, louder.end_s) == pytest.approx((1.0, 1.25), abs=0.0021)
        softer, down = refine_edges(sound, Damage(0.5, 0.99, "level"))
        assert (softer.start_s, softer.end_s) == pytest.approx((0.5, 1.0), abs=0.0021)
    assert 3 < up < 2 * math.log(10) + 1 and down == 1.0  # at its start nothing changes
    short, long = Damage(0, 0.1, "noise", 0.9), Damage(0, 2, "noise", 0.9)
    assert likely(short, up, 0.012) > likely(long, up, 0.012) > likely(long, down, 0.012)


def test_what_would_move_the_damage_is_refused():
    config = small_config(TaggerConfig, augment={"tempo": 0.1})
    with pytest.raises(ConfigError, match="a tagger takes"):
        check_config(config)
