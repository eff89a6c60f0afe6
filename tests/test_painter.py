"""The Perceiver IO that restores: what it sees, what it does not, and that it learns."""

import numpy as np
import pytest
import torch
from conftest import corpus_config, small_config
from test_text import PHONES, STFT, TIMES

from avsi.config import PainterConfig
from avsi.config_files import load_config
from avsi.data.said import phones_at, unknown_phones
from avsi.data.stats import Stats
from avsi.errors import ConfigError, ModelError
from avsi.models.card_facts import facts_table
from avsi.models.inpainter import BLSTMInpainter
from avsi.models.painter import Painter
from avsi.models.patches import from_patches, phones_in_order, to_patches
from avsi.models.store import load_model, save_model, start_from
from avsi.restoring.inpainting import Inpainter
from avsi.training.dataset import collate
from avsi.training.run import train
from avsi.training.tasks import make_task

N_FRAMES = 60


def painter(phones: tuple[str, ...] = (), **settings) -> Painter:
    torch.manual_seed(0)
    return Painter(small_config(PainterConfig, model={"latents": 8, **settings}), phones=phones).eval()


def batch(size: int = 2) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(log spectrum, face, lost frames), of which the gap begins and ends within a patch."""
    make = torch.Generator().manual_seed(0)
    lost = torch.zeros(size, N_FRAMES, dtype=torch.bool)
    lost[:, 18:35] = True
    return torch.randn(size, N_FRAMES, 257, generator=make), torch.randn(size, N_FRAMES, 136, generator=make), lost


def test_patches_are_put_together_again():
    spectrum = torch.arange(2 * 7 * 5).view(2, 7, 5)
    patches = to_patches(spectrum, 3, 2)
    assert patches.shape == (2, 3, 3, 6)
    assert patches[0, 1, 1].tolist() == [17, 18, 22, 23, 27, 28]  # frames 3 to 5, bins 2 and 3
    assert patches[0, 2, 2].tolist() == [34, 0, 0, 0, 0, 0]  # frame 6, bin 4, and what fills the patch up
    assert torch.equal(from_patches(patches, 3, spectrum), spectrum)


@pytest.mark.parametrize("senses", [{}, {"video": False}, {"audio": False}], ids=["AV", "A", "V"])
def test_it_restores_from_sound_face_or_both(senses):
    model = painter(**senses)
    spectrum, visual, lost = batch()
    visual = visual if model.config.model.video else visual[..., :0]
    predicted = model(spectrum, visual, lost)
    assert predicted.shape == spectrum.shape
    assert torch.equal(predicted[~lost], spectrum[~lost])
    assert (predicted[lost] - spectrum[lost]).abs().mean() > 0.1
    assert {name.split(".")[0] for name in model.state_dict()} >= {"latents", "to_spectrum"}


@pytest.mark.parametrize("gate", [False, True])
def test_what_lies_in_lost_frames_changes_nothing(gate):
    model = painter(gate=gate, normalise="utterance")
    spectrum, visual, lost = batch()
    other = spectrum.clone()
    other[lost] = 1e3 * torch.rand(other[lost].shape)
    assert torch.equal(model(spectrum, visual, lost)[lost], model(other, visual, lost)[lost])
    other[:, 17] += 1  # a reliable frame in a patch that is lost in part
    assert not torch.allclose(model(spectrum, visual, lost)[lost], model(other, visual, lost)[lost])


@pytest.mark.parametrize("length", [42, 44])  # within a patch and at its end
def test_padding_does_not_change_an_utterance(length):
    model = painter(PHONES, text=True, normalise="utterance")
    spectrum, visual, lost = batch()
    lost[1, 50:58] = True  # the other one has more lost patches and more phones
    said = torch.stack([phones_at(TIMES, N_FRAMES, STFT, PHONES)] * 2)
    lengths = torch.tensor([length, N_FRAMES])
    alone = model(spectrum[:1, :length], visual[:1, :length], lost[:1, :length], None, said[:1, :length])
    spectrum[0, length:], visual[0, length:] = 50, 50
    together = model(spectrum, visual, lost, lengths, said)
    torch.testing.assert_close(together[:1, :length], alone, rtol=1e-4, atol=1e-4)
    unaware = model(spectrum, visual, lost, None, said)
    assert (unaware[0, 18:35] - alone[0, 18:35]).abs().max() > 1e-2  # the test can fail


@pytest.mark.parametrize("until", [1, 3, 59])
def test_any_gap_of_a_recording_of_any_length_is_restored(until):
    model = painter()
    spectrum, visual, lost = torch.randn(1, 60, 257), torch.randn(60, 136), torch.zeros(60, dtype=torch.bool)
    lost[:until] = True
    restored = model.restore_spectrum(spectrum, visual, lost)
    assert restored.isfinite().all() and torch.equal(restored[:, until:], spectrum[:, until:])
    longer = torch.randn(1, 1200, 257)
    assert model.restore_spectrum(longer, torch.randn(1200, 136), torch.arange(1200) < 300).isfinite().all()


def test_where_nothing_is_lost_nothing_is_changed():
    spectrum, visual, lost = batch()
    assert torch.equal(painter()(spectrum, visual, torch.zeros_like(lost)), spectrum)


def test_with_nothing_to_go_by_it_still_says_something():
    spectrum, visual, lost = batch()
    assert painter()(spectrum, torch.full_like(visual, torch.nan), torch.ones_like(lost)).isfinite().all()


def test_restoring_keeps_reliable_frames_bit_for_bit():
    model = painter(normalise="utterance")
    spectrum, visual, lost = batch()
    restored = model.restore_spectrum(spectrum, visual[0], lost[0])
    assert torch.equal(restored[:, ~lost[0]], spectrum[:, ~lost[0]])
    assert not torch.allclose(restored[:, lost[0]], spectrum[:, lost[0]])


def test_phones_have_an_order_and_no_times():
    said = phones_at(TIMES, N_FRAMES, STFT, PHONES)
    labels, known = phones_in_order(said[None], torch.ones(1, N_FRAMES, dtype=torch.bool))
    assert labels.tolist() == [[1, 2, 3, 1, 2, 3]] and known.all()  # of the pause between the words nothing is left
    both = torch.stack([said, unknown_phones(N_FRAMES)])
    labels, known = phones_in_order(both, torch.arange(N_FRAMES) < torch.tensor([[20], [60]]))
    assert labels.tolist() == [[1, 2], [0, 0]]  # the third phone begins after the end of the first
    assert known.tolist() == [[True, True], [False, False]]
    twice = phones_at([(0.0, 0.12, "B"), (0.12, 0.12, "B")], 30, STFT, PHONES)
    assert phones_in_order(twice[None], torch.ones(1, 30, dtype=torch.bool))[0].tolist() == [[1, 1]]


def test_the_order_of_phones_counts_and_their_times_do_not():
    model = painter(PHONES, text=True)
    inputs = tuple(each[:1] for each in batch())

    def told(times):
        return model(*inputs, None, phones_at(times, N_FRAMES, STFT, PHONES)[None])

    as_said = told(TIMES)
    moved = [(start_s * 0.8 + 0.1, length_s * 0.5, phone) for start_s, length_s, phone in TIMES]
    assert torch.equal(told(moved), as_said)
    phones = [phone for *_, phone in TIMES]
    swapped = [(*when, phone) for (*when, _), phone in zip(TIMES, ["IH", "B", *phones[2:]], strict=True)]
    assert not torch.allclose(told(swapped), as_said)
    nothing = model(*inputs)
    assert torch.equal(model(*inputs, None, unknown_phones(N_FRAMES)[None]), nothing)
    assert not torch.allclose(nothing, as_said)


def test_a_face_that_is_not_seen_is_as_if_the_model_had_never_needed_one(tmp_path):
    model = painter(PHONES, text=True)
    spectrum, visual, lost = batch()
    said = phones_at(TIMES, N_FRAMES, STFT, PHONES).expand(2, -1, -1)
    part = model.without_face()
    assert not part.config.model.video and not part.training
    unseen = model(spectrum, torch.full_like(visual, torch.nan), lost, None, said)
    torch.testing.assert_close(part(spectrum, visual[..., :0], lost, None, said), unseen)
    assert not torch.allclose(model(spectrum, visual, lost, None, said), unseen)
    save_model(tmp_path / "part", part)
    assert torch.equal(load_model(tmp_path / "part", "inpainter").latents, model.latents)
    with pytest.raises(ModelError, match="only a model of sound and face has a part that needs no face"):
        part.without_face()


def test_a_folder_of_it_is_an_inpainter_like_any_other(tmp_path, speech_with_gap):
    save_model(tmp_path / "painter", painter(video=False), {"trained_on": "noise"})
    samples, gap = speech_with_gap
    inpainter = Inpainter.from_pretrained(tmp_path / "painter")
    restored = inpainter.inpaint(samples, 16000, [gap])
    inside = slice(round(gap[0] * 16000), round(gap[1] * 16000))
    assert np.abs(restored[inside]).max() > 0
    restored[inside] = samples[inside]
    assert np.array_equal(restored, samples)
    facts = facts_table(tmp_path / "painter")
    assert "painter: 2 blocks over 8 latents of 24 values, patches of 4 frames and 65 bins, 0.0" in facts
    assert "`model.latents=8`" in facts and "model.heads" not in facts
    with pytest.raises(ModelError, match="holds a model of the kind painter, expected aligner"):
        load_model(tmp_path / "painter", "aligner")
    with pytest.raises(ModelError, match="holds a model of the kind painter, expected inpainter"):
        start_from(BLSTMInpainter(small_config(model={"video": False})), tmp_path / "painter")


@pytest.fixture
def speech_with_gap():
    from conftest import speech

    return speech(0, 1.5), (0.5, 0.8)


def test_its_words_may_be_new_to_it(tmp_path):
    before = painter()
    save_model(tmp_path / "plain", before)
    after = painter(PHONES, text=True)
    start_from(after, tmp_path / "plain")
    assert torch.equal(after.latents, before.latents)
    with pytest.raises(ModelError, match=r"plain: has model\.latents 8, but the config asks for 9"):
        start_from(painter(latents=9), tmp_path / "plain")


@pytest.mark.parametrize(
    ("overrides", "problem"),
    [
        (["model.hidden=30"], r"model\.hidden: 30 must be a multiple of model\.heads, which is 4"),
        (["model.patch_bins=300"], r"model\.patch_bins: 300 must be at most 257"),
        (["model.latents=0"], r"model\.latents: 0 must be at least 1"),
        (["model.audio=false", "model.video=false"], r"are both false: the model would have no input"),
        (["model.ctc=true"], r"model\.ctc: found 'True', but a painter has no such setting"),
        (["model.text=true", "augment.text_jitter_ms=30"], r"a painter takes augment\.text_jitter_ms 0: it is told no"),
        (["model.mask=false"], r"model\.mask: found 'False', but a painter has no such setting"),
    ],
)
def test_settings_without_a_meaning_are_refused(overrides, problem):
    with pytest.raises(ConfigError, match=problem):
        load_config([], ["model.kind=painter", *overrides])


def test_it_learns_one_utterance_by_heart(corpus):
    """Far better than the mean of each bin over the utterance's reliable frames is."""
    settings = {"normalise": "utterance", "latents": 16, "hidden": 48, "layers": 2}
    config = corpus_config(corpus)
    config.model = PainterConfig(**settings)
    torch.manual_seed(0)
    task = make_task(config, Stats.load(config.data.stats))
    one = collate([task.train_set[0]])
    target, _, _ = task.model.normalise(one.log_spectrum, one.lost, one.lengths)
    by_mean = target[one.lost].abs().mean().item()
    optimizer = torch.optim.AdamW(task.model.parameters(), lr=3e-3)
    for _ in range(150):
        loss = task.losses(task.model, one)[0].value
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.35 * by_mean


def test_training_learns_and_its_model_is_kept(corpus, tmp_path):
    config = corpus_config(corpus, training={"max_epochs": 8, "learning_rate": 3e-3})
    config.model = PainterConfig(hidden=48, layers=1, latents=8, dropout=0.1)
    lowest = train(config, tmp_path / "run", progress=False)
    assert lowest < 0.96 * first_loss(tmp_path / "run")
    assert isinstance(load_model(tmp_path / "run", "inpainter"), Painter)


def first_loss(folder) -> float:
    from test_training import metrics

    return next(float(row["valid_loss"]) for row in metrics(folder) if row["valid_loss"])
