"""What is said as an input of the inpainter: its frames, its uncertainty in training, and the model."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import corpus_config, small_config

from avsi.config import AugmentConfig, Config
from avsi.data.datadir import read_datadir, write_datadir
from avsi.data.said import phones_at, timed_within, unknown_phones
from avsi.errors import DataError, ModelError
from avsi.models.inpainter import BLSTMInpainter
from avsi.models.store import load_model, save_model, start_from
from avsi.rng import generator
from avsi.training.dataset import InpaintingData, collate
from avsi.training.run import train
from avsi.training.tasks import make_task
from avsi.training.text_variation import usual_lengths, vary_phones

STFT = Config().stft
PHONES = ("B", "IH", "N")
HOP_S = 0.012
# bin, and bin again after a silence: eight frames each of B, IH and N from frame 5 on
TIMES = [(HOP_S * start, HOP_S * 8, phone) for start, phone in zip((5, 13, 21, 33, 41, 49), PHONES * 2, strict=True)]


def test_frames_know_their_phone_how_much_of_it_has_passed_and_its_number():
    said = phones_at(TIMES, 60, STFT, PHONES)
    label, passed, number = said.numpy().T
    assert label.tolist() == 5 * [0] + 8 * [1] + 8 * [2] + 8 * [3] + 4 * [0] + 8 * [1] + 8 * [2] + 8 * [3] + 3 * [0]
    assert passed[5:13] == pytest.approx((np.arange(8) + 0.5) / 8)
    assert passed[:5] == pytest.approx((np.arange(5) + 0.5) / 5)
    assert number[[0, 5, 13, 21, 29, 33, 59]].tolist() == [0, 1, 2, 3, 4, 5, 8]
    assert (phones_at(None, 60, STFT, PHONES)[:, 0] == -1).all()
    with pytest.raises(DataError, match="the phones N are not among those of the model: B IH"):
        phones_at(TIMES, 60, STFT, PHONES[:2])


def test_a_stretch_without_phones_is_silent_and_one_of_which_nothing_is_known_is_not():
    assert phones_at(timed_within(TIMES, 5.0, 5.72), 60, STFT, PHONES)[:, 0].tolist() == 60 * [0]
    assert timed_within(None, 5.0, 5.72) is None
    shifted = timed_within(TIMES, HOP_S * 13, HOP_S * 25)
    assert [phone for *_, phone in shifted] == ["IH", "N"]
    assert shifted[0][0] == pytest.approx(0)


def lost_at(start, stop, count=60):
    lost = torch.zeros(count, dtype=torch.bool)
    lost[start:stop] = True
    return lost


def test_only_boundaries_between_lost_phones_move():
    said, lost = phones_at(TIMES, 60, STFT, PHONES), lost_at(16, 38)
    settings = AugmentConfig(text_jitter_ms=40)
    moved = [vary_phones(said, lost, np.ones(4), settings, STFT, generator(seed, "x")) for seed in range(200)]
    assert torch.equal(vary_phones(said, lost, np.ones(4), AugmentConfig(), STFT, generator(0, "x")), said)
    for each in moved:
        assert torch.equal(each[:16, [0, 2]], said[:16, [0, 2]])
        assert torch.equal(each[38:, [0, 2]], said[38:, [0, 2]])
        assert (each[:, 2].diff() >= 0).all()
        assert ((each[:, 1] >= 0) & (each[:, 1] <= 1)).all()
    starts = np.array([int((each[:, 2] == 3).nonzero()[0]) for each in moved if (each[:, 2] == 3).any()])
    assert starts.mean() == pytest.approx(21, abs=0.7)
    assert 2.2 < starts.std() < 3.6  # 40 ms are 3.3 frames, and the gap bounds them


def test_lost_phones_may_have_their_usual_lengths():
    said, lost = phones_at(TIMES, 60, STFT, PHONES), lost_at(5, 29)  # one word, from its first frame to its last
    usual = np.array([1, 6.0, 12, 6])
    spread = vary_phones(said, lost, usual, AugmentConfig(text_usual=1), STFT, generator(0, "x"))
    assert torch.bincount(spread[5:29, 0].long()).tolist() == [0, 6, 12, 6]
    assert spread[11:23, 1].numpy() == pytest.approx((np.arange(12) + 0.5) / 12)
    # of the first and the last phone of a gap, only what is left of their lengths
    spread = vary_phones(said, lost_at(9, 25), usual, AugmentConfig(text_usual=1), STFT, generator(0, "x"))
    assert torch.bincount(spread[9:25, 0].long()).tolist() == [0, 2, 12, 2]


def test_the_words_of_a_share_of_the_utterances_are_hidden():
    said, settings = phones_at(TIMES, 60, STFT, PHONES), AugmentConfig(text_hidden=0.3)
    hidden = [
        bool((vary_phones(said, lost_at(5, 9), np.ones(4), settings, STFT, generator(seed, "x"))[:, 0] == -1).all())
        for seed in range(1000)
    ]
    assert np.mean(hidden) == pytest.approx(0.3, abs=0.04)


def test_of_a_share_only_what_is_said_in_the_gaps_is_known():
    said, lost, settings = phones_at(TIMES, 60, STFT, PHONES), lost_at(16, 38), AugmentConfig(text_lost_alone=0.3)
    alone = []
    for seed in range(400):
        varied = vary_phones(said, lost, np.ones(4), settings, STFT, generator(seed, "x"))
        assert torch.equal(varied[lost], said[lost])
        unknown = varied[~lost][:, 0] == -1
        assert unknown.all() or torch.equal(varied, said)
        alone.append(bool(unknown.all()))
    assert np.mean(alone) == pytest.approx(0.3, abs=0.06)


def test_where_most_is_lost_phones_keep_their_lengths():
    said, settings = phones_at(TIMES, 60, STFT, PHONES), AugmentConfig(text_usual=1)
    usual = np.array([1, 6.0, 12, 6])
    assert torch.equal(vary_phones(said, lost_at(5, 36), usual, settings, STFT, generator(0, "x")), said)
    assert not torch.equal(vary_phones(said, lost_at(5, 34), usual, settings, STFT, generator(0, "x")), said)


@pytest.fixture
def spoken(corpus, tmp_path):
    """The corpus with the times of phones in its training and validation sets, and a lexicon."""
    for name in ("train", "valid"):
        utterances = read_datadir(corpus / name)
        timed = [replace(u, phones=tuple(TIMES) if number else ()) for number, u in enumerate(utterances)]
        write_datadir(tmp_path / name, timed)
    (tmp_path / "lexicon.txt").write_text("bin B IH N\nblue B IH N\n")
    return tmp_path


def text_config(corpus, spoken, **sections) -> Config:
    config = corpus_config(corpus, **sections)
    config.model.text = True
    config.data.train, config.data.valid = str(spoken / "train"), str(spoken / "valid")
    config.data.lexicon = str(spoken / "lexicon.txt")
    return config


def test_phones_of_a_data_directory_are_written_and_read_again(corpus, spoken):
    first, second = read_datadir(spoken / "train")[:2]
    assert (first.phones, second.phones) == ((), tuple(TIMES))
    assert not (corpus / "train" / "phones").exists()
    write_datadir(spoken / "train", [first])
    assert not (spoken / "train" / "phones").exists()


def test_a_model_learns_from_what_is_said(corpus, spoken):
    config = text_config(corpus, spoken, augment={"text_hidden": 0.5})
    task = make_task(config, _stats(config))
    batch = collate([task.train_set[index] for index in range(4)])
    assert batch.said.shape == (4, batch.lost.shape[1], 3)
    assert (batch.said[0, :, 0] == -1).all()
    task.losses(task.model, batch)[0].value.backward()
    columns = task.model.blstm.weight_ih_l0.grad.abs().sum(dim=0)[-6:]  # silence, three phones, passed, known
    assert (columns > 0).all()


def _stats(config):
    from avsi.data.stats import Stats

    return Stats.load(config.data.stats)


def test_what_is_not_known_is_as_if_nothing_were_given(corpus, spoken):
    config = text_config(corpus, spoken)
    torch.manual_seed(0)
    model = BLSTMInpainter(config, _stats(config), PHONES).eval()
    data = InpaintingData(
        spoken / "valid", config, corpus / "valid" / "gaps_random", make_task(config, _stats(config)).lexicon
    )
    batch = collate([data[1]])
    inputs = (batch.log_spectrum, batch.visual, batch.lost, None)
    nothing = model(*inputs)
    assert torch.equal(model(*inputs, unknown_phones(batch.lost.shape[1])[None]), nothing)
    assert not torch.allclose(model(*inputs, batch.said), nothing)


def test_a_model_without_text_is_where_one_with_it_starts(corpus, spoken, tmp_path):
    plain = corpus_config(corpus)
    torch.manual_seed(1)
    before = BLSTMInpainter(plain, _stats(plain)).eval()
    save_model(tmp_path / "plain", before)
    config = text_config(corpus, spoken)
    after = BLSTMInpainter(config, _stats(config), PHONES).eval()
    start_from(after, tmp_path / "plain")
    visual = torch.randn(1, 60, len(before.visual_mean))
    inputs = (torch.randn(1, 60, 257), visual, lost_at(16, 38)[None], None)
    torch.testing.assert_close(after(*inputs, phones_at(TIMES, 60, STFT, PHONES)[None]), before(*inputs))
    save_model(tmp_path / "text", after)
    with pytest.raises(ModelError, match=r"has model\.text True, but the config asks for False"):
        start_from(before, tmp_path / "text")


def test_a_model_from_before_the_inputs_had_a_scale_restores_as_it_did(corpus, spoken, tmp_path):
    config = text_config(corpus, spoken)
    config.model.text_scale = 1.0
    torch.manual_seed(0)
    model = BLSTMInpainter(config, _stats(config), PHONES).eval()
    save_model(tmp_path / "old", model)
    path = tmp_path / "old" / "config.json"
    description = json.loads(path.read_text())
    del description["config"]["model"]["text_scale"]
    path.write_text(json.dumps(description))
    visual = torch.randn(1, 60, len(model.visual_mean))
    inputs = (torch.randn(1, 60, 257), visual, lost_at(16, 38)[None], None, phones_at(TIMES, 60, STFT, PHONES)[None])
    torch.testing.assert_close(load_model(tmp_path / "old")(*inputs), model(*inputs))
    model.config.model.text_scale = 4.0
    assert (load_model(tmp_path / "old")(*inputs) - model(*inputs)).abs().max() > 1e-3


def test_the_part_without_a_face_still_knows_what_is_said(corpus, spoken):
    config = text_config(corpus, spoken)
    torch.manual_seed(0)
    model = BLSTMInpainter(config, _stats(config), PHONES).eval()
    spectrum, lost, said = torch.randn(1, 60, 257), lost_at(16, 38)[None], phones_at(TIMES, 60, STFT, PHONES)[None]
    visual = torch.full((1, 60, len(model.visual_mean)), math.nan)
    part = model.without_face()
    torch.testing.assert_close(
        part(spectrum, visual[..., :0], lost, None, said), model(spectrum, visual, lost, None, said)
    )


@pytest.mark.slow
def test_training_with_text_runs_and_is_stored(corpus, spoken, tmp_path):
    config = text_config(corpus, spoken, augment={"text_hidden": 0.3, "text_usual": 0.5, "text_jitter_ms": 30})
    train(config, tmp_path / "run", progress=False)
    assert load_model(tmp_path / "run").phones == PHONES


def test_usual_lengths_are_geometric_means(corpus, spoken):
    utterances = read_datadir(spoken / "train")
    longer = replace(utterances[1], phones=((0.0, HOP_S * 2, "B"), (0.1, HOP_S * 8, "B")))
    assert usual_lengths([longer], PHONES, STFT) == pytest.approx([1, 4, 1, 1])
    assert small_config().model.text is False
