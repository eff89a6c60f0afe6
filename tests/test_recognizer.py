"""The phone recogniser, trained for seconds on chords that stand for phones."""

import dataclasses
import json
import math
from pathlib import Path

import pytest
import soundfile
import torch
from conftest import RATE, TOY_LEXICON, make_spoken_datadir, small_config
from typer.testing import CliRunner

from avsi.audio.stft import log_magnitude, spectrum
from avsi.cli import app as avsi_app
from avsi.config import Config, RecognizerConfig
from avsi.data.datadir import Utterance, read_datadir
from avsi.data.gap_files import write_gap_file
from avsi.data.gaps import Gap
from avsi.data.phones import Lexicon
from avsi.data.stats import Stats
from avsi.errors import AvsiWarning, DataError, ModelError
from avsi.media.sound_reading import read_mono
from avsi.models.recognizer import PhoneRecognizer
from avsi.models.store import load_model
from avsi.restoring.inpainting import Inpainter
from avsi.training.checkpoints import LAST
from avsi.training.run import train
from data_prep import stats
from evaluation import recognize, restore
from evaluation.folder.evaluation import Evaluation
from evaluation.recognizers import recognition
from evaluation.statistics.summarize import summarize


def run(app, *arguments) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def toy_config(root: Path, **training) -> Config:
    config = small_config(
        RecognizerConfig,
        model={"layers": 1, "hidden": 32},
        training={"learning_rate": 0.02, **training},
    )
    config.data.train, config.data.valid = str(root / "train"), str(root / "valid")
    config.data.stats, config.data.lexicon = str(root / "train" / "stats.npz"), str(root / "lexicon.txt")
    return config


@pytest.fixture(scope="module")
def toy(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("toy")
    for seed, (name, count) in enumerate({"train": 24, "valid": 3, "test": 10}.items()):
        make_spoken_datadir(root / name, count, seed)
    (root / "lexicon.txt").write_text(TOY_LEXICON)
    run(stats.app, root / "train")
    return root


@pytest.fixture(scope="module")
def recogniser(toy) -> Path:
    train(toy_config(toy, max_epochs=24, patience=24), toy / "recogniser", progress=False)
    return toy / "recogniser"


def spectrum_of(wav: str) -> torch.Tensor:
    stft = Config().stft
    return log_magnitude(spectrum(torch.from_numpy(read_mono(wav, RATE)), stft), stft)


@pytest.mark.slow
def test_it_learns_to_recognise_the_phones_of_sentences_it_was_not_trained_on(toy, recogniser):
    output = run(recognize.app, toy / "test", "--recognizer", recogniser, "--jobs", 1)
    rows = [json.loads(line) for line in (toy / "test" / "phones.jsonl").read_text().splitlines()]
    utterances = read_datadir(toy / "test")
    assert [row["id"] for row in rows] == [utterance.id for utterance in utterances]
    assert [len(row["reference"].split()) for row in rows] == [2 * len(utterance.words) for utterance in utterances]
    errors = sum(row["substitutions"] + row["deletions"] + row["insertions"] for row in rows)
    assert errors <= 0.03 * sum(row["phones"] for row in rows)
    assert "toy: " in output


@pytest.mark.slow
def test_what_is_not_said_counts_as_deleted_and_what_is_missing_is_named(toy, recogniser, tmp_path, monkeypatch):
    """Of what another program restored: one clip whole, one cut in half, one silent, the rest missing."""
    utterances = read_datadir(toy / "test")
    made = tmp_path / "made" / "mine"
    made.mkdir(parents=True)
    for number, utterance in enumerate(utterances[:3]):
        samples = read_mono(utterance.wav, RATE)
        samples[len(samples) * (2 - number) // 2 :] = 0
        soundfile.write(made / f"{utterance.id}.wav", samples, RATE)
    gaps, out = tmp_path / "gaps_mine", tmp_path / "evaluation"
    write_gap_file(gaps, {u.id: [Gap(0.01, u.duration_s - 0.01)] for u in utterances})
    options = ["--stats", toy / "train" / "stats.npz", "--max-left-out", 1, "--jobs", 1]
    (toy / "test" / "development").write_text("the beam was chosen on it\n")
    run(restore.app, toy / "test", "--system", tmp_path / "made", "--gaps", gaps, "--out", out, *options)
    (toy / "test" / "development").unlink()
    output = run(recognize.app, out, "--recognizer", recogniser, "--jobs", 1)
    assert "evaluation: made, mine" in output and "test, clean" in output
    assert f"{out}: Development set, no test set: the beam was chosen on it." in output.replace("\n", "")
    whole, half, silent, *others = [
        json.loads(line) for line in (out / "made" / "mine" / "phones.jsonl").read_text().splitlines()
    ]
    assert whole["per"] == 0
    assert 0.2 < half["per"] < silent["per"]
    assert silent["deletions"] > 0.5 * silent["phones"]
    assert all(row["per"] is None and row["failed"]["per"].endswith("no such file") for row in others)
    clean = [json.loads(line) for line in (out / "clean" / "phones.jsonl").read_text().splitlines()]
    assert [row["per"] for row in clean][:1] == [0]

    summary = summarize(Evaluation.read(out))
    assert summary.clean["per"].mean == pytest.approx(
        sum(row["substitutions"] + row["deletions"] + row["insertions"] for row in clean)
        / sum(row["phones"] for row in clean)
    )
    found = summary.estimates["made", "mine", "per"]
    monkeypatch.setattr(recognition, "make_rows", None)  # which complete results do not need
    with pytest.raises(TypeError):
        run(recognize.app, out, "--recognizer", recogniser, "--jobs", 1)
    (out / "clean" / "phones.jsonl").write_text(
        (out / "clean" / "phones.jsonl").read_text().replace('"recognizer": "', '"recognizer": "another ')
    )
    with pytest.warns(AvsiWarning, match="PER is of another recogniser"), pytest.raises(DataError, match="nothing is"):
        summarize(Evaluation.read(out))
    rows = (whole, half, silent)
    errors = sum(row["substitutions"] + row["deletions"] + row["insertions"] for row in rows)
    assert found.mean == pytest.approx(errors / sum(row["phones"] for row in rows))
    assert (found.scored, found.missing) == (3, len(others))


@pytest.mark.slow
def test_padding_does_not_change_what_is_recognised(toy, recogniser):
    model = load_model(recogniser, "recognizer")
    spectra = [spectrum_of(utterance.wav) for utterance in read_datadir(toy / "test")[:2]]
    lengths = torch.tensor([len(one) for one in spectra])
    together = model(torch.nn.utils.rnn.pad_sequence(spectra, batch_first=True), lengths)
    for scores, one in zip(together, spectra, strict=True):
        assert torch.allclose(scores[: len(one)], model(one[None])[0], atol=1e-5)


def test_its_input_is_near_zero_and_one(toy):
    model = PhoneRecognizer(toy_config(toy), Stats.load(toy / "train" / "stats.npz"), ("A",))
    spectra = torch.cat([spectrum_of(utterance.wav) for utterance in read_datadir(toy / "train")])
    inputs = model.normalised_mel(spectra)
    assert inputs.mean(dim=0).abs().max() < 1
    assert inputs.std(dim=0).min() > 0.4 and inputs.std(dim=0).max() < 2


def test_log_mel_bands_are_the_power_in_a_band():
    model = PhoneRecognizer(small_config(RecognizerConfig, model={"mels": 40}), phones=("A",))
    stft = model.config.stft
    top_mel = 2595 * math.log10(1 + 8000 / 700)
    for frequency_hz in (500.0, 2000.0, 6000.0):
        tone = torch.sin(2 * math.pi * frequency_hz * torch.arange(16000) / 16000)
        bands = model.log_mel(log_magnitude(spectrum(torch.stack([tone, 3 * tone]), stft), stft))[:, 40]
        assert bands.shape == (2, 40)
        nearest = 2595 * math.log10(1 + frequency_hz / 700) / (top_mel / 41) - 1
        assert abs(bands[0].argmax().item() - nearest) <= 0.6
        assert (bands[1] - bands[0]).max().item() == pytest.approx(2 * math.log(3), abs=0.01)
    silent = model.log_mel(log_magnitude(spectrum(torch.zeros(1600), stft), stft))
    assert silent.numpy() == pytest.approx(math.log(stft.log_floor**2), abs=1e-2)


@pytest.mark.slow
def test_a_run_that_goes_on_ends_where_an_unbroken_one_does(toy, tmp_path):
    train(toy_config(toy, max_epochs=2), tmp_path / "whole", progress=False)
    for epochs in (1, 2):
        train(toy_config(toy, max_epochs=epochs), tmp_path / "parts", progress=False)
    one, two = (torch.load(tmp_path / name / LAST, weights_only=True)["state_dict"] for name in ("whole", "parts"))
    assert one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


@pytest.mark.slow
def test_an_exported_recogniser_still_recognises(toy, recogniser, tmp_path):
    run(avsi_app, "export", recogniser, "--out", tmp_path / "small", "--trained-on", "chords")
    assert load_model(tmp_path / "small").phones == ("A", "D", "K", "N", "O")
    phones, recognizers = [], set()
    for folder in (recogniser, tmp_path / "small"):
        run(recognize.app, toy / "test", "--recognizer", folder, "--jobs", 1)
        rows = [json.loads(line) for line in (toy / "test" / "phones.jsonl").read_text().splitlines()]
        phones.append([row["hypothesis"] for row in rows])
        recognizers.add(rows[0]["recognizer"])
    assert phones[0] == phones[1] and len(recognizers) == 2


@pytest.mark.slow
def test_a_word_that_is_not_in_the_lexicon_fails_its_utterances(toy, recogniser, tmp_path):
    (tmp_path / "few.txt").write_text(TOY_LEXICON.replace("no N O\n", ""))
    run(recognize.app, toy / "test", "--recognizer", recogniser, "--lexicon", tmp_path / "few.txt", "--jobs", 1)
    rows = [json.loads(line) for line in (toy / "test" / "phones.jsonl").read_text().splitlines()]
    said = {utterance.id: utterance.words for utterance in read_datadir(toy / "test")}
    assert {"no" in words for words in said.values()} == {True, False}
    for row in rows:
        assert (row["per"] is None) == ("no" in said[row["id"]])
        if row["per"] is None:
            assert "the word 'no' is not in the lexicon" in row["failed"]["per"]


@pytest.mark.slow
def test_a_model_of_another_kind_is_refused(toy, recogniser):
    with pytest.raises(ModelError, match="holds a model of the kind recognizer, expected inpainter"):
        Inpainter.from_pretrained(recogniser)
    with pytest.raises(ModelError, match="holds a model of the kind inpainter, expected recognizer"):
        run(recognize.app, toy / "test", "--recognizer", "a")


def test_without_a_lexicon_or_with_too_small_a_one_nothing_is_trained(toy, tmp_path):
    config = toy_config(toy)
    config.data.lexicon = str(tmp_path / "none.txt")
    with pytest.raises(DataError, match=r"none\.txt: no such lexicon"):
        train(config, tmp_path / "run", progress=False)
    (tmp_path / "none.txt").write_text(TOY_LEXICON.replace("no N O\n", ""))
    with pytest.raises(DataError, match=r"s01_\d+: the word 'no' is not in the lexicon"):
        train(config, tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_digital_silence_is_no_softer_than_what_was_learnt(toy):
    model = PhoneRecognizer(toy_config(toy), Stats.load(toy / "train" / "stats.npz"), ("A",))
    silent = torch.full((3, 257), math.log(model.config.stft.log_floor))
    assert (model.log_mel(silent) - model.mel_mean).max() < -2 * model.mel_std.max()  # the test can fail
    assert model.normalised_mel(silent).unique().tolist() == [-2.0]


def test_a_sets_phone_error_rate_is_all_its_errors_over_all_its_phones():
    kinds = ("per", "phones", "substitutions", "deletions", "insertions")
    rows = [dict(zip(kinds, values, strict=True)) for values in ((0.5, 2, 1, 0, 0), (1 / 6, 18, 0, 2, 1))]
    assert recognize.phone_totals([*rows, {"per": None}]) == ["0.200", 1, 2, 1, 20, 3, 1]
    assert recognize.phone_totals([{"per": None}]) == ["-", 0, 0, 0, 0, 1, 1]


def test_errors_in_the_gaps_are_those_of_phones_that_were_lost_and_beside_them(tmp_path):
    """Said: K AE T S, of 0.1 s each; lost: AE and T."""
    (tmp_path / "lexicon.txt").write_text("cats K AE T S\n")
    lexicon = Lexicon.read(tmp_path / "lexicon.txt")
    phones = tuple((0.1 * number, 0.1, label) for number, label in enumerate(["K", "AE", "T", "S"]))
    utterance = Utterance("one", "someone", "one.wav", 0.4, words=("cats",), phones=phones)

    def rate(heard: str, gaps: list[Gap]) -> float | None:
        return recognize.score_phones(lexicon, utterance, heard.split(), gaps).get("per_gaps")

    lost = [Gap(0.1, 0.3)]
    assert rate("K AE T S", lost) == 0
    assert rate("AE T Z", lost) == 0  # errors outside
    assert rate("K EH T S", lost) == 0.5
    assert rate("K S", lost) == 1
    assert rate("K AE T T S", lost) == 0.5  # one too many beside what was lost
    assert rate("K AE T S S", lost) == 0
    assert rate("K AE T S", [Gap(0.0, 0.04)]) is None  # no phone is lost
    assert recognize.score_phones(lexicon, utterance, ["K", "S"], lost)["gap_phones"] == 2
    timeless = dataclasses.replace(utterance, phones=())
    assert "per_gaps" not in recognize.score_phones(lexicon, timeless, ["K"], lost)
