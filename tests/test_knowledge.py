"""Models that are told more or less of an utterance: its words, their times, a wrong word, no face."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch
from conftest import corpus_config, run_app, small_config

from avsi.config import AlignerConfig
from avsi.data.datadir import read_datadir, write_datadir
from avsi.data.stats import Stats
from avsi.errors import ConfigError
from avsi.models.aligner import PhoneAligner
from avsi.models.inpainter import BLSTMInpainter
from avsi.models.store import LEXICON, save_model
from data_prep import gaps
from evaluation import restore
from evaluation.folder.evaluation import Evaluation
from evaluation.statistics.comparisons import ablation_pairs
from evaluation.systems.knowledge import split_knowledge

LINES = "bin B IH N\nblue B L UW\nno N UW L\n"
PHONES = ("B", "IH", "L", "N", "UW")


@pytest.fixture(scope="module")
def room(corpus, tmp_path_factory):
    """A test set with times of words and phones, and models that were not trained."""
    room = tmp_path_factory.mktemp("room")
    torch.manual_seed(0)
    save_model(room / "aligner", PhoneAligner(small_config(AlignerConfig), None, PHONES), {})
    for name, text in (("text", True), ("plain", False)):
        config = corpus_config(corpus)
        config.model.text = text
        model = BLSTMInpainter(config, Stats.load(config.data.stats), PHONES if text else ())
        save_model(room / name, model, {})
        (room / name / LEXICON).write_text(LINES)
    times = [(0.5 + 0.1 * number, 0.1, phone) for number, phone in enumerate(("B", "IH", "N", "B", "L", "UW"))]
    words = ((0.5, 0.3, "bin"), (0.8, 0.3, "blue"))
    utterances = [replace(u, phones=tuple(times), alignment=words) for u in read_datadir(corpus / "test")]
    write_datadir(room / "test", utterances, "toy")
    run_app(gaps.app, room / "test", 600)
    return room


def restored(corpus, room, out, *systems):
    names = [option for system in systems for option in ("--system", system)]
    stats = ("--stats", corpus / "train" / "stats.npz", "--jobs", 1)
    return run_app(restore.app, room / "test", "--gaps", 600, *names, "--out", out, *stats)


def sounds(out, name):
    return [soundfile.read(path)[0] for path in sorted((out / name / "600ms").rglob("*.wav"))]


def test_what_a_model_is_told_stands_behind_its_name():
    assert split_knowledge("exp/text:words:no-face") == ("exp/text", ("no-face", "words"))
    assert split_knowledge("exp/text:words=exp/aligner") == ("exp/text", ("words=exp/aligner",))
    assert split_knowledge("exp/te:xt") == ("exp/te:xt", ())
    assert split_knowledge("av") == ("av", ())


def test_each_kind_of_knowledge_changes_what_is_restored(corpus, room, tmp_path):
    aligner = room / "aligner"
    kinds = {
        "nothing": "",
        "words": f":words={aligner}",
        "times": ":times",
        "wrong": f":wrong-word={aligner}",
        "blind": f":words={aligner}:no-face",
    }
    restored(corpus, room, tmp_path / "out", *(f"{name}={room / 'text'}{told}" for name, told in kinds.items()))
    heard = {name: sounds(tmp_path / "out", name) for name in kinds}
    assert all(len(each) == 4 for each in heard.values())
    for one in kinds:
        for two in kinds:
            same = all(np.array_equal(a, b) for a, b in zip(heard[one], heard[two], strict=True))
            assert same == (one == two), f"{one} and {two}"
    systems = json.loads((tmp_path / "out" / "evaluation.json").read_text())["systems"]
    assert systems["words"]["told_of_words"] == "the words, which an aligner finds"
    assert ablation_pairs(Evaluation.read(tmp_path / "out")) == [("blind", "words")]  # the others differ in words
    assert systems["blind"]["senses"][:2] == [True, False]
    assert systems["nothing"]["told_of_words"] == "nothing"


def test_another_aligner_restores_anew(corpus, room, tmp_path):
    shutil.copytree(room / "aligner", tmp_path / "aligner")
    system = f"one={room / 'text'}:words={tmp_path / 'aligner'}"
    for _ in range(2):
        assert "restored anew" not in restored(corpus, room, tmp_path / "out", system)
    torch.manual_seed(1)
    save_model(tmp_path / "aligner", PhoneAligner(small_config(AlignerConfig), None, PHONES), {})
    assert "one, 600ms: has changed since it was restored" in restored(corpus, room, tmp_path / "out", system)


@pytest.mark.parametrize(
    ("system", "told"),
    [
        ("plain:times", "does not take what is said, so it cannot be told times"),
        ("text:times:words", "is told times and words; expected one of them"),
    ],
)
def test_what_a_model_cannot_be_told_is_refused(corpus, room, tmp_path, system, told):
    with pytest.raises(ConfigError, match=told):
        restored(corpus, room, tmp_path / "out", f"one={room}/{system}")
    assert not (tmp_path / "out").exists()
