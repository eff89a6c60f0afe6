"""Lips made from sound: what is made has the measures asked for, the statistics of real ones, and is told as made."""

import dataclasses
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from conftest import RATE, corpus_config, face, make_datadir, mouth_opening, run_app, small_config, speech
from typer.testing import CliRunner

from avsi.config import VisualConfig
from avsi.data.datadir import read_datadir, write_datadir
from avsi.data.stats import Stats
from avsi.errors import AvsiError, DataError, ModelError
from avsi.models.card_facts import facts_table
from avsi.models.store import read_description
from avsi.training.checkpoints import BestAndLast
from avsi.training.lightning_module import TrainingRun
from avsi.video.motion import lip_measures, upright, visual_features
from data_prep import combine, leave_out
from data_prep.lips.__main__ import app
from data_prep.lips.face import FREE, made_face, mean_face, measured
from data_prep.lips.fitting import calibrate, fit, load_examples, speaker_folds
from data_prep.lips.model import LipModel
from data_prep.lips.network import Example
from data_prep.lips.residual import Residual
from data_prep.lips.sound import BANDS, rows_of, sound_bands, throat_warp
from evaluation import restore

SPEAKERS = ("s01", "s02", "s03", "s04")
STEPS = 36


@pytest.fixture(scope="module")
def filmed(tmp_path_factory):
    """Utterances whose lips are a known function of the sound: the mouth opens with the loudness."""
    return make_datadir(tmp_path_factory.mktemp("filmed") / "set", [f"{s}_clip{n}" for s in SPEAKERS for n in range(3)])


@pytest.fixture(scope="module")
def model(filmed, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "lips.npz"
    told = run_app(app, "fit", filmed, "--out", path, "--networks", 1, "--steps", STEPS, "--jobs", 1)
    assert "learned from 12 utterances of 4 speakers" in told and "s04" in told
    return path


@pytest.fixture
def unseen(tmp_path):
    """Two recordings without a face, and one that was filmed."""
    folder = make_datadir(tmp_path / "unseen", ["s05_a", "s05_b", "s06_c"])
    write_datadir(
        folder, [u if u.speaker == "s06" else dataclasses.replace(u, landmarks=None) for u in read_datadir(folder)]
    )
    return folder


def still_face():
    return mean_face(face(np.zeros(2), np.arange(2) / 25))


def test_a_made_face_has_the_measures_asked_for_and_is_still_elsewhere():
    differences = np.random.default_rng(0).normal(0, 0.05, (50, len(FREE)))
    tracks = made_face(still_face(), differences)
    start_s, found = measured(tracks)
    neutral = lip_measures(upright(still_face()[None]))[:, FREE]
    assert start_s == 0 and found - neutral == pytest.approx(differences, abs=1e-5)
    assert tracks.time_s == pytest.approx(np.arange(50) / 25)
    still = [*range(3), *range(14, 48)]
    assert (tracks.points[:, still] == tracks.points[:1, still]).all()
    config = VisualConfig(points="articulation", positions=True, motion=False)
    seen = visual_features(tracks, 160, small_config().stft, config)[0]
    assert seen.shape == (160, 13) and seen[6:150].std(axis=0)[list(FREE)] == pytest.approx(0.04, abs=0.012)
    # The two others follow: rim to rim is lips and opening, nose to chin all that lies between.
    assert seen[:, 6] == pytest.approx(seen[:, [4, 7, 8]].sum(axis=1), abs=1e-4)
    assert seen[:, 11] == pytest.approx(seen[:, [10, 6, 9]].sum(axis=1), abs=1e-4)


def test_a_drawn_residual_has_the_covariances_over_time_of_what_it_was_fitted_to():
    rng = np.random.default_rng(1)
    mix = np.array([[1.0, 0.0], [0.6, 0.5]])
    clips = []
    for _ in range(60):
        e = np.zeros((130, 2))
        for t in range(2, 130):
            e[t] = 1.1 * e[t - 1] - 0.4 * e[t - 2] + mix @ rng.standard_normal(2)
        clips.append(e[30:])
    process = Residual.fit(clips, [np.zeros(100)] * len(clips), [1.0] * len(clips))
    scale = process.by_loudness[0]
    assert process.past[0] == pytest.approx(1.1 * np.eye(2), abs=0.1)
    assert process.past[1] == pytest.approx(-0.4 * np.eye(2), abs=0.1)
    assert scale * process.shock @ process.shock.T == pytest.approx(mix @ mix.T, rel=0.1)
    real, drawn = np.concatenate(clips), process.draw(np.zeros(6000), np.random.default_rng(0))
    for lag in (0, 1, 3):
        covariances = [e[lag:].T @ e[: len(e) - lag] / len(e) for e in (real, drawn)]
        assert covariances[1] == pytest.approx(covariances[0], abs=0.15 * np.abs(covariances[0]).max())
    again = process.draw(np.zeros(6000), np.random.default_rng(0))
    assert (drawn == again).all() and drawn.shape == (6000, 2)


def test_what_is_drawn_is_larger_where_the_voice_is_louder():
    rng = np.random.default_rng(0)
    loudness = [rng.uniform(-1, 0, 200) for _ in range(40)]
    clips = [rng.standard_normal((200, 3)) * np.sqrt(1.4 + loud)[:, None] for loud in loudness]
    process = Residual.fit(clips, loudness, [1.0] * 40)
    assert process.by_loudness == pytest.approx([1.4, 1.0], abs=0.06)
    drawn = [process.draw(np.full(4000, at), rng).std() for at in (-0.9, -0.1)]
    assert drawn == pytest.approx(np.sqrt([0.5, 1.3]), rel=0.05)


def test_expected_and_drawn_lips_together_vary_as_real_ones():
    rng = np.random.default_rng(0)
    held_out = []
    for number in range(40):
        told = rng.standard_normal((75, len(FREE)))
        lips = 0.5 * told + rng.standard_normal(told.shape) * np.sqrt(0.75)
        example = Example(str(number), f"s{number % 2}", -np.ones((rows_of(75), BANDS)), lips - lips.mean(0), 1.0)
        held_out.append((example, told - told.mean(axis=0)))
    slope, residual, scores = calibrate(held_out)
    assert slope == pytest.approx(0.5, abs=0.06)
    drawn = residual.draw(-np.ones(4000), np.random.default_rng(0))
    assert drawn.std(axis=0) == pytest.approx(np.sqrt(0.75), abs=0.06)
    assert scores.correlation["s0"] == pytest.approx(0.5, abs=0.09)
    assert scores.explained["s1"] == pytest.approx(0.25, abs=0.08)


def test_level_and_microphone_do_not_count():
    samples = speech(0)
    bands = sound_bands(samples, 0.0, 75)
    assert bands.shape == (rows_of(75), BANDS) and bands.dtype == np.float32 and bands.min() == -1
    assert sound_bands(0.3 * samples, 0.0, 75) == pytest.approx(bands, abs=0.02)
    # Frame 10 is 0.4 s after the first one; there are two rows for each frame.
    assert sound_bands(samples, 0.4, 60)[8:20] == pytest.approx(bands[28:40], abs=1e-5)


def test_a_longer_throat_has_lower_resonances():
    peak = np.eye(BANDS, dtype=np.float32)[15]
    assert throat_warp(1.0) == pytest.approx(np.eye(BANDS), abs=1e-5)
    assert (peak @ throat_warp(1.2)).argmax() < 15 < (peak @ throat_warp(0.8)).argmax()


def test_lips_that_are_a_function_of_the_sound_are_recovered_for_unseen_speakers(model, filmed):
    lips = LipModel.load(model)
    samples = speech(77)
    told = lips.expected(sound_bands(samples, 0.0, 75))
    opening = mouth_opening(77, np.arange(75) / 25)
    assert np.corrcoef(told[:, FREE.index(4)], opening)[0, 1] > 0.85
    assert told.mean(axis=0) == pytest.approx(0, abs=1e-6)
    # Widths do not change with the opening: what is told of them is small beside it.
    assert lips.gains[:, FREE.index(0)].max() < 0.05 * lips.gains[:, FREE.index(4)].min()
    made = lips_of(lips.make(samples, "s77", "s77_x", 0))
    assert np.corrcoef(made[:, FREE.index(4)], opening)[0, 1] > 0.6


def lips_of(tracks):
    return measured(tracks)[1]


def test_what_is_drawn_depends_on_seed_id_and_speaker_alone(model):
    lips = LipModel.load(model)
    samples = speech(5)[: RATE * 2]
    one = lips.make(samples, "s05", "s05_a", 0)
    assert (one.points == LipModel.load(model).make(samples, "s05", "s05_a", 0).points).all()
    for speaker, id_, seed in (("s05", "s05_b", 0), ("s05", "s05_a", 1)):
        assert not np.allclose(one.points, lips.make(samples, speaker, id_, seed).points)


def test_a_model_is_the_same_for_the_same_seed_and_is_kept_whole(model, filmed, tmp_path):
    again, *_ = fit(read_datadir(filmed), 1, STEPS, 0, 1, 0)
    kept = LipModel.load(model)
    bands = sound_bands(speech(3), 0.0, 70)
    assert kept.expected(bands) == pytest.approx(again.expected(bands), abs=1e-4)
    assert list(kept.ids) == [u.id for u in read_datadir(filmed)]
    (tmp_path / "half.npz").write_bytes(model.read_bytes()[:2000])
    np.savez(tmp_path / "other.npz", version=7)
    for path in ("half.npz", "other.npz", "none.npz"):
        with pytest.raises(ModelError, match=path):
            LipModel.load(tmp_path / path)


def test_speakers_are_left_out_in_turn_but_not_one_who_is_most_of_the_set():
    assert speaker_folds(Counter(a=100, b=5, c=9, d=5, e=1)) == [{"c", "e"}, {"b"}, {"d"}]
    assert speaker_folds(Counter(a=3, b=3)) == [{"a"}, {"b"}]


def test_only_films_are_learned_from(filmed, tmp_path):
    utterances = read_datadir(filmed)
    utterances[0] = dataclasses.replace(utterances[0], made_lips="abc")
    utterances[1] = dataclasses.replace(utterances[1], landmarks=None)
    examples, gains, _, left_out = load_examples(utterances)
    assert [example.id for example in examples] == [u.id for u in utterances[2:]]
    assert left_out == {utterances[0].id: "its lips are made", utterances[1].id: "has no landmarks"}
    assert gains.shape == (4, len(FREE))
    first = f"found 1 speakers who were filmed.*; left out 2, such as {utterances[0].id}: its lips are made"
    with pytest.raises(DataError, match=first):
        load_examples(utterances[:3])


def test_what_is_left_out_of_a_fit_is_listed_and_too_much_fails(filmed, tmp_path):
    utterances = read_datadir(filmed)
    some = tmp_path / "some"
    write_datadir(some, [dataclasses.replace(utterances[0], landmarks=None), *utterances[1:]])
    out, listed = tmp_path / "lips.npz", tmp_path / "lips.npz.left_out"
    options = ("--out", out, "--networks", 1, "--steps", 10, "--jobs", 1)
    too_many = f"1 of 12 utterances cannot be learned from, more than .* 0.05, such as {utterances[0].id}: has"
    with pytest.raises(DataError, match=too_many):
        run_app(app, "fit", some, *options)
    assert not out.exists() and not listed.exists()
    told = run_app(app, "fit", some, *options, "--max-left-out", 0.1)
    assert f"left out 1 ({listed}), such as {utterances[0].id}: has no landmarks" in told
    assert out.exists() and listed.read_text() == f"{utterances[0].id} has no landmarks\n"
    run_app(app, "fit", filmed, *options)
    assert not listed.exists()


def test_a_folder_is_no_model_to_write(filmed, tmp_path):
    (tmp_path / "lips.npz").mkdir()
    with pytest.raises(DataError, match=r"lips\.npz: is a folder; expected the name of an .npz file"):
        run_app(app, "fit", filmed, "--out", tmp_path / "lips.npz", "--steps", 10, "--jobs", 1)


def test_made_lips_are_written_beside_the_sound_and_never_over_real_ones(model, unseen, tmp_path):
    out = tmp_path / "out"
    told = run_app(app, "apply", model, unseen, out, "--jobs", 1)
    assert "2 utterances with made lips, 1 filmed, 0 without" in told
    before, after = read_datadir(unseen), read_datadir(out)
    assert [u.id for u in after] == ["s05_a", "s05_b", "s06_c"]
    assert after[2] == before[2] and after[2].made_lips is None
    assert after[0].made_lips == after[1].made_lips and len(after[0].made_lips) == 16
    tracks = [u.load_landmarks() for u in after]
    assert len(tracks[0].time_s) == np.ceil(before[0].duration_s * 25) and tracks[0].found.all()
    assert not (out / "lips_failed").exists()
    first = (out / "landmarks.ark").read_bytes()
    stale = [out / name for name in ("stats.npz", "gaps_400ms", "video.scp", "landmarks_lost")]
    for path in stale:
        path.write_text("s05_a old\n")
    run_app(app, "apply", model, unseen, out, "--jobs", 1)
    assert (out / "landmarks.ark").read_bytes() == first and not [path for path in stale if path.exists()]
    with pytest.raises(DataError, match="each utterance has landmarks or a video"):
        run_app(app, "apply", model, out, tmp_path / "twice", "--jobs", 1)


def test_recordings_that_cannot_be_read_are_listed_and_too_many_fail(model, unseen, tmp_path):
    utterances = read_datadir(unseen)
    soundfile.write(utterances[0].wav, np.zeros(0), RATE)
    out = tmp_path / "out"
    error = CliRunner().invoke(app, ["apply", str(model), str(unseen), str(out), "--jobs", "1"]).exception
    assert isinstance(error, AvsiError) and "1 of 2 utterances got no lips" in str(error) and not out.exists()
    run_app(app, "apply", model, unseen, out, "--jobs", 1, "--max-left-out", 0.5)
    assert [u.landmarks is None for u in read_datadir(out)] == [True, False, False]
    assert (out / "lips_failed").read_text().startswith("s05_a ")


def test_which_lips_are_made_is_carried_from_set_to_set(model, unseen, filmed, tmp_path):
    run_app(app, "apply", model, unseen, tmp_path / "made", "--jobs", 1)
    run_app(combine.app, tmp_path / "both", tmp_path / "made", filmed)
    made = {u.id for u in read_datadir(tmp_path / "both") if u.made_lips}
    assert made == {"s05_a", "s05_b"}
    run_app(leave_out.app, tmp_path / "both", tmp_path / "folds", "--fold", "s05", "--fold", "s01")
    for name, ids in (("s05/test", made), ("s05/train", set()), ("s01/train", made), ("s01/test", set())):
        assert {u.id for u in read_datadir(tmp_path / "folds" / name) if u.made_lips} == ids
    run_app(combine.app, tmp_path / "both", filmed, tmp_path / "folds" / "s05" / "test")
    run_app(combine.app, tmp_path / "both", filmed)
    assert not (tmp_path / "both" / "made_lips").exists()


def test_made_lips_are_in_no_test_set(corpus, tmp_path):
    utterances = [dataclasses.replace(u, made_lips="abc") for u in read_datadir(corpus / "test")]
    write_datadir(tmp_path / "test", utterances)
    options = ("--gaps", corpus / "test" / "gaps_600ms", "--stats", corpus / "train" / "stats.npz")
    with pytest.raises(DataError, match="the lips of 4 of 4 utterances, such as s04_clip0, were made from their sound"):
        run_app(restore.app, tmp_path / "test", "--system", "interpolation", "--out", tmp_path / "out", *options)
    assert not (tmp_path / "out").exists()


def test_a_models_card_says_whose_faces_were_filmed(corpus, tmp_path):
    utterances = read_datadir(corpus / "train")
    write_datadir(
        tmp_path / "train", [dataclasses.replace(u, made_lips="x" * (n < 5) or None) for n, u in enumerate(utterances)]
    )
    config = corpus_config(corpus, model={"video": True})
    config.data.train = str(tmp_path / "train")
    kept = BestAndLast(tmp_path / "run", TrainingRun(config, Stats.load(config.data.stats)))
    kept.on_train_epoch_end(
        SimpleNamespace(
            callback_metrics={"valid_loss": 0.5},
            current_epoch=0,
            is_global_zero=True,
            precision="32-true",
            should_stop=False,
            save_checkpoint=lambda *_, **__: None,
        )
    )
    assert read_description(tmp_path / "run")["about"]["faces"] == {"filmed": 7, "made": 5, "missing": 0}
    made = "the lips of 5 were made from their sound (`data_prep.lips`)"
    expected = f"| Faces | 7 utterances were filmed; {made}, and 0 have none |"
    (tmp_path / "run" / "train_ids").write_text("")
    assert expected in facts_table(tmp_path / "run").splitlines()
