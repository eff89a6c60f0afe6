"""The refiner: what it does before it is trained, its training on another model's answers, and restoring with it."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from conftest import RATE, corpus_config, run_app, small_config, speech

from avsi import Gap, Inpainter, inpaint_file
from avsi.audio.texture import texture_of
from avsi.commands.inpaint import inpaint
from avsi.config import InpainterConfig, RefinerConfig
from avsi.config_checks import check_config
from avsi.data.datadir import read_datadir
from avsi.data.gap_files import write_gap_file
from avsi.data.stats import Stats
from avsi.errors import AvsiWarning, ConfigError, DataError, ModelError
from avsi.models.inpainter import BLSTMInpainter
from avsi.models.refiner import SpectrumRefiner
from avsi.models.store import load_model, read_train_ids, save_model
from avsi.restoring.baselines import SpectralInterpolation
from avsi.restoring.edit_log import list_path, logged
from avsi.training.losses import texture_loss
from avsi.training.refining import WINDOW_FRAMES, RefiningData, most_lost
from avsi.training.run import train
from evaluation import restore
from evaluation.folder.evaluation import Evaluation
from evaluation.systems.fingerprints import fingerprint
from evaluation.systems.knowledge import Knowledge

STFT = small_config().stft
GAP = slice(60, 90)
LOST = torch.zeros(150, dtype=torch.bool).index_fill(0, torch.arange(GAP.start, GAP.stop), True)


@pytest.fixture
def refiner():
    """One that was not trained, but has weights as if it had been."""
    torch.manual_seed(0)
    model = SpectrumRefiner(small_config(RefinerConfig)).eval()
    torch.nn.init.normal_(model.to_change.weight, std=0.05)
    return model


def smooth(n_channels: int = 1) -> torch.Tensor:
    torch.manual_seed(1)
    return torch.randn(n_channels, 150, 1).cumsum(1) * 0.1 + torch.linspace(0, -5, 257)


def test_the_texture_is_that_of_the_spectrogram_of_noise():
    torch.manual_seed(0)
    texture = texture_of(torch.randn(2, 300 * STFT.hop_samples), STFT)
    assert texture.shape == (2, 300, 257)
    assert texture.median().item() == pytest.approx(0, abs=1e-4)
    assert texture.std().item() == pytest.approx(np.pi / np.sqrt(24), rel=0.03)  # of the log of a Rayleigh variable
    beside = torch.corrcoef(torch.stack([texture[:, :, 50:200].flatten(), texture[:, :, 51:201].flatten()]))[0, 1]
    assert 0.3 < beside < 0.8  # bins are narrower than the window's lobe


def test_before_training_it_adds_noise_at_high_frequencies_alone():
    refiner = SpectrumRefiner(small_config(RefinerConfig))
    before = smooth()
    change = refiner.refine(before, LOST) - before
    assert torch.equal(change[:, ~LOST], torch.zeros_like(change[:, ~LOST]))
    assert change[0, GAP, :26].abs().max() < 1e-5  # up to 800 Hz
    assert change[0, GAP, 80:].std().item() == pytest.approx(0.64, rel=0.1)  # from 2500 Hz on
    assert 0.05 < change[0, GAP, 26:80].std() < 0.55


def test_harmonics_of_the_pitch_that_is_heard_are_added_in_the_gap():
    refiner = SpectrumRefiner(small_config(RefinerConfig, model={"pitch": True})).eval()
    before, heard = smooth(), np.where(np.arange(150) % 10 < 7, 253.0, np.nan)  # what the gap holds is not looked at
    change, without = (refiner.refine(before, LOST, 0, 0, None, each) - before for each in (heard, None))
    assert torch.equal(change[:, ~LOST], torch.zeros_like(change[:, ~LOST]))
    assert without[0, GAP, :26].abs().max() < 1e-5  # no voice, and no noise up to 800 Hz
    levels = change[0, GAP, :26].mean(dim=0)
    harmonics = [round(k * 253 * STFT.n_fft / RATE) for k in (1, 2, 3)]
    between = [round((k + 0.5) * 253 * STFT.n_fft / RATE) for k in (1, 2)]
    assert levels[harmonics].min() > levels[between].max() + 0.8


@pytest.mark.parametrize("normalise", ["utterance", "corpus"])
def test_the_pitch_is_heard_in_the_loudest_channel(normalise):
    model = SpectrumRefiner(small_config(RefinerConfig, model={"pitch": True, "normalise": normalise})).eval()
    sound, gap = speech(0), Gap(1.0, 1.4)
    inpainter = Inpainter(SpectralInterpolation(), refiner=model)
    mono = inpainter.inpaint(sound, RATE, [gap])
    opposite = inpainter.inpaint(np.stack([sound, -0.5 * sound], axis=1), RATE, [gap])
    assert np.allclose(opposite[:, 0], mono, atol=1e-4)


def test_the_voice_that_is_told_counts_and_an_unknown_one_changes_nothing():
    torch.manual_seed(0)
    refiner = SpectrumRefiner(small_config(RefinerConfig, model={"voice": True, "voice_values": 4})).eval()
    torch.nn.init.normal_(refiner.to_change.weight, std=0.05)
    before, voices = smooth(), torch.nn.functional.normalize(torch.randn(2, 4), dim=-1)
    untold = refiner.refine(before, LOST)
    for unknown in (torch.full((1, 4), torch.nan), torch.zeros(1, 0)):
        assert torch.equal(refiner.refine(before, LOST, voices=unknown), untold)
    one, other = (refiner.refine(before, LOST, voices=each[None]) for each in voices)
    assert not torch.allclose(one, untold, atol=1e-2) and not torch.allclose(one, other, atol=1e-2)
    assert torch.equal(one[:, ~LOST], before[:, ~LOST])


def test_a_draw_is_the_same_each_time_and_in_all_channels(refiner):
    two = smooth().expand(2, -1, -1)
    one, again, other = refiner.refine(two, LOST, 3), refiner.refine(two, LOST, 3), refiner.refine(two, LOST, 4)
    assert torch.equal(one, again) and torch.equal(one[0], one[1])
    assert not torch.equal(one[:, GAP], other[:, GAP])
    assert torch.allclose(one[..., :26], other[..., :26])


def test_only_the_surroundings_of_a_gap_are_computed_and_nothing_else_matters(refiner):
    spectrum, far = smooth(), smooth()
    lost = LOST.clone()
    lost[100] = True
    normalised, mean, std = refiner.normalise(spectrum, lost[None])
    sharp, _ = refiner(normalised, lost[None])
    found = refiner.refine(spectrum, lost)
    low = slice(0, 26)  # without noise
    assert torch.allclose(found[0, lost, low], (sharp * std + mean)[0, lost, low], atol=1e-5)
    assert not torch.allclose(found[0, lost, low], spectrum[0, lost, low], atol=1e-3)
    far[0, 0, 0], far[0, 1, 0] = far[0, 1, 0].item(), far[0, 0, 0].item()  # swapped: the means stay
    assert torch.allclose(refiner.refine(far, lost)[0, lost], found[0, lost], atol=1e-5)


@pytest.mark.parametrize(
    ("lost", "length"),
    [
        (range(150, 160), 250),
        (range(10), 250),
        (range(240, 250), 250),
        (range(90, 100), 100),  # shorter than a window
    ],
)
def test_the_window_is_where_most_is_lost(lost, length):
    mask = torch.zeros(1, 250, dtype=torch.bool)
    mask[0, list(lost)] = True
    window = most_lost(mask, torch.tensor([length]))
    first = int(window.at[0, 0])
    assert window.at.shape == (1, WINDOW_FRAMES) and torch.equal(
        window.at[0], torch.arange(first, first + WINDOW_FRAMES)
    )
    assert window.of(mask).sum() == len(lost) and window.lengths.tolist() == [min(length - first, WINDOW_FRAMES)]


def test_of_several_windows_with_as_much_the_middle_one_is_taken():
    mask = torch.zeros(1, 250, dtype=torch.bool)
    mask[0, 100:150] = True
    assert most_lost(mask, torch.tensor([250])).at[0, 0] == 61  # 22 to 100 hold all of it


@pytest.fixture(scope="module")
def restorer(corpus, tmp_path_factory):
    """An inpainter that was not trained."""
    torch.manual_seed(0)
    config = corpus_config(corpus)
    config.model = InpainterConfig(hidden=16, layers=1, normalise="utterance")
    folder = tmp_path_factory.mktemp("restorer") / "model"
    save_model(folder, BLSTMInpainter(config, Stats.load(config.data.stats)), {})
    return folder


def refining(corpus, restorer, *, pitch=False, **training):
    config = corpus_config(corpus, training={"restorer": str(restorer), **training})
    config.model = RefinerConfig(hidden=16, layers=2, pitch=pitch)
    return config


def test_its_noise_becomes_that_of_the_training_set(corpus, restorer, tmp_path):
    before = (restorer / "model.safetensors").read_bytes()
    config = refining(corpus, restorer, max_epochs=12, learning_rate=1e-2, stoi_weight=0.1)
    first = train(refining(corpus, restorer, max_epochs=1, learning_rate=1e-9), tmp_path / "first", progress=False)
    assert train(config, tmp_path / "run", progress=False) < 0.995 * first
    assert (restorer / "model.safetensors").read_bytes() == before
    assert load_model(tmp_path / "run", "refiner").config.training.restorer == str(restorer)
    assert read_train_ids(tmp_path / "run") == {u.id for u in read_datadir(corpus / "train")}
    with pytest.raises(ModelError, match="holds a model of the kind refiner, expected inpainter"):
        load_model(tmp_path / "run", "inpainter")


def test_it_learns_how_much_of_the_harmonics_there_is(corpus, restorer, tmp_path):
    config = refining(corpus, restorer, pitch=True, max_epochs=2, learning_rate=1e-2)
    train(config, tmp_path / "run", progress=False)
    trained = load_model(tmp_path / "run", "refiner")
    assert trained.to_harmonics.weight.abs().max() > 1e-3
    set_ = RefiningData(corpus / "valid", config, config.data.valid_gaps, None, with_pitch=True)
    id_, features, _ = set_[0]
    pitch_hz = 2**features.contour
    assert features.contour.shape == (len(features.log_spectrum),) and id_
    assert pitch_hz.min() > 90 and pitch_hz.max() < 160  # of the voices that conftest makes


def test_a_voice_is_told_only_where_the_restorer_is_told_it_too(corpus, restorer):
    config = refining(corpus, restorer)
    config.model.voice = True
    with pytest.raises(ConfigError, match=r"model\.voice: a refiner is told the voice where .* which takes none"):
        train(config, "nowhere", progress=False)


def test_the_energy_distance_is_lowest_for_draws_as_the_truth_is_drawn():
    torch.manual_seed(0)
    lost = torch.ones(4, 50, dtype=torch.bool)
    draw = [torch.randn(4, 50, 257) for _ in range(3)]
    losses = {size: texture_loss(size * draw[0], size * draw[1], draw[2], lost, STFT) for size in (0.0, 0.7, 1.0, 1.4)}
    assert min(losses, key=losses.get) == 1.0
    # Of the root mean square over the bins, each with a variance of 1 - 1/17, three equal distances make up a half.
    assert losses[1.0].item() == pytest.approx(0.5 * np.sqrt(2 * 16 / 17), rel=0.02)
    tilted = draw[0] + torch.linspace(0, 3, 257)
    assert texture_loss(tilted, draw[1], draw[2], lost, STFT).item() == pytest.approx(losses[1.0].item(), rel=0.01)


def test_it_learns_against_a_discriminator(corpus, restorer, tmp_path):
    train(refining(corpus, restorer, max_epochs=1), tmp_path / "without", progress=False)
    config = refining(corpus, restorer, max_epochs=1, adversarial=0.1, feature_matching=1.0)
    train(config, tmp_path / "run", progress=False)
    without, trained = (load_model(tmp_path / name, "refiner").to_noise.weight for name in ("without", "run"))
    assert not torch.allclose(trained, without, atol=1e-4)


def test_settings_that_do_not_fit_are_refused(corpus, restorer):
    config = refining(corpus, restorer)
    config.training.restorer = ""
    with pytest.raises(ConfigError, match=r"training\.restorer: names nothing"):
        train(config, "nowhere", progress=False)
    with pytest.raises(ConfigError, match=r"training\.restorer: .* which no inpainter does"):
        check_config(corpus_config(corpus, training={"restorer": str(restorer)}))
    other = refining(corpus, restorer)
    other.stft.log_floor = 1e-5
    with pytest.raises(ConfigError, match="works on another spectrogram"):
        train(other, "nowhere", progress=False)


def test_the_phones_must_be_those_of_the_restorer(corpus, tmp_path):
    config = corpus_config(corpus)
    config.model = InpainterConfig(hidden=8, layers=1, text=True)
    save_model(tmp_path / "text", BLSTMInpainter(config, Stats.load(config.data.stats), ("AA", "ZZ")), {})
    (tmp_path / "lexicon.txt").write_text("bin B IH N\nblue B L UW\n")
    asked = refining(corpus, tmp_path / "text")
    asked.data.lexicon = str(tmp_path / "lexicon.txt")
    with pytest.raises(DataError, match="has other phones than"):
        train(asked, tmp_path / "run", progress=False)


def test_restoring_with_it_changes_the_gaps_alone(refiner):
    samples, gap = speech(0), Gap(1.0, 1.4)
    plain = Inpainter(SpectralInterpolation()).inpaint(samples, RATE, [gap])
    refined = Inpainter(SpectralInterpolation(), refiner=refiner).inpaint(samples, RATE, [gap])
    inside = slice(RATE, round(1.4 * RATE))
    outside = np.r_[0 : inside.start, inside.stop : len(samples)]
    assert np.array_equal(refined[outside], samples[outside])
    assert not np.allclose(refined[inside], plain[inside])


def test_a_list_of_what_was_restored_names_it(refiner):
    model = BLSTMInpainter(small_config())
    edit = (0.0, 1.0, "restored", None, None)
    [plain], [with_it] = (logged(Inpainter(model, name="av", refiner=each), [edit]) for each in (None, refiner))
    assert (plain.model, with_it.model) == ("av", "av, refined, seed 0")
    assert plain.weights != with_it.weights


def test_a_refiner_of_another_spectrogram_is_refused(refiner, tmp_path):
    other = small_config()
    other.stft.hop_samples = 128
    save_model(tmp_path / "other", BLSTMInpainter(other), {})
    save_model(tmp_path / "refiner", refiner, {})
    with pytest.raises(ModelError, match="the refiner works on another kind of spectrogram"):
        Inpainter.from_pretrained(tmp_path / "other", None, refiner=tmp_path / "refiner")


def test_evaluations_restore_with_it_where_the_system_says_so(corpus, restorer, refiner, tmp_path):
    save_model(tmp_path / "refiner", refiner, {})
    (tmp_path / "refiner" / "train_ids").write_text("s1_other\n")
    (restorer / "train_ids").write_text("s2_other\n")
    gap_file = tmp_path / "gaps_600ms"
    write_gap_file(gap_file, {u.id: [Gap(1.0, 1.6)] for u in read_datadir(corpus / "test")})
    name, out = f"{restorer}:refined={tmp_path / 'refiner'}", tmp_path / "exp"
    systems = ("--system", f"plain={restorer}", "--system", f"refined={name}", "--system", f"other={name}:draw=2")
    stats = ("--stats", corpus / "train" / "stats.npz", "--jobs", 1)
    run_app(restore.app, corpus / "test", "--gaps", gap_file, *systems, "--out", out, *stats)
    evaluation = Evaluation.read(out)
    plain, refined, other = (evaluation.set(each, "600ms") for each in ("plain", "refined", "other"))
    assert len(plain.wavs) == len(refined.wavs) == len(other.wavs) > 0
    for one, two in ((plain, refined), (refined, other)):
        assert all(Path(one.wavs[id_]).read_bytes() != Path(two.wavs[id_]).read_bytes() for id_ in one.wavs)
    assert fingerprint(name, "600ms", "cpu") != fingerprint(f"{name}:draw=2", "600ms", "cpu")
    with pytest.raises(ConfigError, match="draw=two: expected a whole number"):
        Knowledge(("draw=two",), Path())
    assert "refiner" in fingerprint(name, "600ms", "cpu") and "refiner" not in fingerprint(
        str(restorer), "600ms", "cpu"
    )


@pytest.fixture
def talk(tmp_path):
    """A recording, and a model that restores it without a face."""
    torch.manual_seed(0)
    save_model(tmp_path / "a", BLSTMInpainter(small_config(model={"video": False})), {})
    soundfile.write(tmp_path / "talk.wav", speech(0), RATE)
    return tmp_path / "talk.wav"


def draw(talk, out, *, gap=("1:1.4",), **options):
    model = str(talk.parent / "a")
    inpaint([talk], str(out), list(gap), model=model, audio_only=model, device="cpu", **options)


def test_draws_are_files_of_their_own_that_differ_in_the_gaps_alone(talk, tmp_path, capsys):
    draw(talk, tmp_path / "out.wav", draws=2, seed=5)
    assert f"-> {tmp_path / 'out.wav'}, {tmp_path / 'out.2.wav'}" in capsys.readouterr().out
    draw(talk, tmp_path / "again.wav", seed=6)
    recorded, one, two, again = (
        soundfile.read(tmp_path / name)[0] for name in ("talk.wav", "out.wav", "out.2.wav", "again.wav")
    )
    inside = slice(RATE, round(1.4 * RATE))
    outside = np.r_[0 : inside.start, inside.stop : len(recorded)]
    assert np.array_equal(one[outside], recorded[outside]) and np.array_equal(two[outside], recorded[outside])
    assert not np.allclose(one[inside], two[inside], atol=1e-3) and np.array_equal(two, again)
    made_by = [
        json.loads(list_path(tmp_path / name).read_text())["edits"][0]["model"] for name in ("out.wav", "out.2.wav")
    ]
    assert made_by == ["a, refined, seed 5", "a, refined, seed 6"]


def test_a_level_goes_on_at_the_edges_of_a_refined_gap(talk, tmp_path):
    draw(talk, tmp_path / "plain.wav", refine=False)
    draw(talk, tmp_path / "out.wav")
    plain, refined = (soundfile.read(tmp_path / name)[0] for name in ("plain.wav", "out.wav"))
    for edge in (RATE, round(1.4 * RATE)):
        steps = [np.abs(np.diff(samples[edge - 80 : edge + 80])).max() for samples in (plain, refined)]
        assert steps[1] < 1.5 * steps[0] + 0.01  # no click


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"draws": 2, "refine": False}, "--draws 2: without a refiner there is one answer alone"),
        ({"seed": 2, "refine": False}, "--seed 2: without a refiner nothing is drawn"),
        ({"draws": 2, "out": "folder/"}, "--draws: several answers are written beside one output file"),
    ],
)
def test_draws_need_a_refiner_and_a_file(talk, tmp_path, options, told):
    out = tmp_path / options.pop("out", "out.wav")
    with pytest.raises(ConfigError, match=told):
        draw(talk, f"{out}/" if out.name == "folder" else out, **options)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "talk.wav"]


def test_draws_from_python_need_a_refiner_too(talk, tmp_path):
    with pytest.raises(ConfigError, match="2 draws are asked for, but without a refiner there is one alone"):
        inpaint_file(talk, tmp_path / "out.wav", Inpainter(SpectralInterpolation()), [Gap(1.0, 1.4)], draws=2)
    assert not (tmp_path / "out.wav").exists()


def test_the_pretrained_refiner_is_left_out_for_a_model_of_another_spectrogram(tmp_path):
    other = small_config(model={"video": False})
    other.stft.hop_samples = 128
    save_model(tmp_path / "other", BLSTMInpainter(other), {})
    with pytest.warns(AvsiWarning, match="works on another kind of spectrogram .* which is left out"):
        assert Inpainter.from_pretrained(tmp_path / "other", None).refiner is None
