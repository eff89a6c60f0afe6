"""Families of models, of which each utterance gets the one that was trained without its speaker."""

import json
import re
import shutil

import pytest
import soundfile
import torch
from conftest import corpus_config, make_datadir, run_app

from avsi.data.datadir import Utterance
from avsi.data.stats import Stats
from avsi.errors import AvsiWarning, ConfigError
from avsi.models.inpainter import BLSTMInpainter
from avsi.models.store import save_model
from evaluation import report, restore, score
from evaluation.folder.evaluation import Evaluation
from evaluation.systems.families import ModelFamily, is_family
from evaluation.systems.train_test_overlap import overlap

IDS = ["s04_clip1", "s05_clip1", "s05_clip2"]
TRAINED_ON = {"without_s04": ["s01_a", "s05_clip1", "s05_clip1-v2"], "without_s05": ["s01_a", "s04_clip9-v1"]}


@pytest.fixture
def folds(corpus, tmp_path):
    """Two untrained models, and the data that they are tested on."""
    for seed, (fold, ids) in enumerate(TRAINED_ON.items()):
        make_model(corpus, tmp_path / "folds" / fold / "m", ids, seed)
    make_datadir(tmp_path / "test", IDS)
    (tmp_path / "gaps_600ms").write_text("".join(f"{id_} 1.0 1.6\n" for id_ in IDS))
    return tmp_path


def make_model(corpus, folder, ids: list[str], seed: int, **sections) -> None:
    torch.manual_seed(seed)
    config = corpus_config(corpus, **sections)
    save_model(folder, BLSTMInpainter(config, Stats.load(config.data.stats)))
    (folder / "train_ids").write_text("".join(f"{id_}\n" for id_ in ids))


def restored(corpus, folds, *systems: object) -> str:
    stats = corpus / "train" / "stats.npz"
    named = [option for system in systems for option in ("--system", system)]
    options = ["--gaps", folds / "gaps_600ms", "--stats", stats, "--jobs", 1, "--out", folds / "out"]
    return run_app(restore.app, folds / "test", *options, *named)


def scored(folds) -> list[dict]:
    run_app(score.app, folds / "out", "--jobs", 1, "--metrics", "l1")
    return list(Evaluation.read(folds / "out").set("m", "600ms").rows("scores.jsonl").values())


def sound(folds, system: str, id_: str):
    return soundfile.read(folds / "out" / system / "600ms" / "wav" / f"{id_}.wav")[0].tolist()


@pytest.mark.slow
def test_each_utterance_gets_the_model_trained_without_its_speaker(corpus, folds):
    one, two = (folds / "folds" / name / "m" for name in TRAINED_ON)
    with pytest.warns(AvsiWarning, match="one was trained on 1 of these 3 utterances, such as s05_clip1"):
        restored(corpus, folds, f"{folds}/folds/*/m", f"one={one}", f"two={two}")
    for id_ in IDS:
        right, wrong = ("one", "two") if id_.startswith("s04") else ("two", "one")
        assert sound(folds, "m", id_) == sound(folds, right, id_) != sound(folds, wrong, id_)
    systems = json.loads((folds / "out" / "evaluation.json").read_text())["systems"]
    assert systems["m"]["models"] == 2 and systems["m"]["trained_on"] == "2 to 3 utterances"
    assert (systems["one"]["seen_speakers"], systems["one"]["seen_utterances"]) == (["s05"], ["s05_clip1"])
    assert (systems["two"]["seen_speakers"], systems["two"]["seen_utterances"]) == (["s04"], [])
    rows = {row["id"]: row["l1"] for row in scored(folds)}
    run_app(report.app, folds / "out", "--examples", 0)
    text = (folds / "out" / "report" / "results.md").read_text()
    assert "2 models, each utterance restored by the one trained without its speaker, trained on 2 to 3" in text
    assert "trained on 3 utterances, seen in training: 1 of the 2 test speakers, 1 of the test utterances" in text
    assert "| s05 | 2 | m |" in text
    assert f"| {(rows['s05_clip1'] + rows['s05_clip2']) / 2:.3f} |" in text.replace("*", "")
    assert (
        f"Statistics, for the unit of L1 and the mean fill of `unprocessed`: `{corpus / 'train' / 'stats.npz'}`" in text
    )


def test_an_utterance_is_seen_in_whichever_voice_it_was_trained_on(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "train_ids").write_text("s01_a\ns04_clip3-v1\ns05_clip2-v3\n")
    utterances = [Utterance(id_, id_[:3], "x.wav", 1.0) for id_ in IDS]
    seen = {"seen_speakers": ["s04", "s05"], "seen_utterances": ["s05_clip2"]}
    assert overlap([tmp_path], utterances) == seen
    (tmp_path / "train_ids").write_text("s01_a\n")
    assert overlap([tmp_path], utterances) == {"seen_speakers": [], "seen_utterances": []}
    (tmp_path / "train_ids").unlink()
    assert overlap([tmp_path], utterances) == {}


@pytest.mark.parametrize(
    ("ids", "why"),
    [
        (["s01_a", "s05_clip1-v3"], r"both not trained on s04"),
        (["s01_a"], r"without_s04/m and .*without_s05/m were both not trained on s04; expected one such model"),
        (["s04_clip7", "s05_clip7"], r"all 2 models were trained on s05"),
        (None, r"without_s05/m does not say what it was trained on \(it has no train_ids\)"),
    ],
)
def test_a_family_without_one_model_for_each_speaker_is_refused(corpus, folds, ids, why):
    path = folds / "folds" / "without_s05" / "m" / "train_ids"
    path.write_text("\n".join(ids)) if ids else path.unlink()
    with pytest.raises(ConfigError, match=why) as error:
        restored(corpus, folds, f"{folds}/folds/*/m")
    assert "\n" not in str(error.value) and not (folds / "out").exists()


def test_a_family_is_of_models_that_are_there_and_alike(corpus, folds):
    with pytest.raises(ConfigError, match=r"finds no folder with a trained model"):
        restored(corpus, folds, f"{folds}/folds/*/other")
    make_model(corpus, folds / "folds" / "without_s05" / "m", TRAINED_ON["without_s05"], 1, model={"video": False})
    with pytest.raises(ConfigError, match=r"without_s04/m and .*without_s05/m differ in inputs or tasks"):
        restored(corpus, folds, f"{folds}/folds/*/m")
    for path in ("wav.scp", "text", "utt2spk", "utt2dur", "landmarks.scp", "spk2utt"):
        file = folds / "test" / path
        file.write_text(re.sub(r"s0([45])_", r"s0\1-", file.read_text()))
    (folds / "gaps_600ms").write_text((folds / "gaps_600ms").read_text().replace("_", "-"))
    with pytest.raises(ConfigError, match=r"s04-clip1 does not begin with its speaker, s04, and '_'"):
        restored(corpus, folds, f"{folds}/folds/*/m")


@pytest.mark.slow
def test_a_family_of_which_one_was_trained_on_is_restored_anew(corpus, folds):
    family = f"{folds}/folds/*/m"
    restored(corpus, folds, family)
    before = {id_: sound(folds, "m", id_) for id_ in IDS}
    assert "has changed" not in restored(corpus, folds, family)
    make_model(corpus, folds / "folds" / "without_s05" / "m", TRAINED_ON["without_s05"], 9)
    assert "m, 600ms: has changed" in restored(corpus, folds, family)
    assert [sound(folds, "m", id_) == before[id_] for id_ in IDS] == [True, False, False]
    shutil.rmtree(folds / "folds" / "without_s05")
    make_model(corpus, folds / "folds" / "again" / "m", [*TRAINED_ON["without_s05"], "s02_a"], 9)
    assert "m, 600ms: has changed" in restored(corpus, folds, family)  # with the same weights, of other speakers
    assert [str(one) for one in Evaluation.read(folds / "out").sets] == ["m, 600ms"]


def test_signs_of_a_pattern_may_be_a_folders_own_and_a_pattern_may_be_none(tmp_path):
    folder = tmp_path / "exp" / "[old]"
    folder.mkdir(parents=True)
    assert not is_family(str(folder)) and is_family(f"{tmp_path}/exp/[a-z]*")
    with pytest.raises(ConfigError, match=r"\*\*x/m: not a pattern of folders"):
        ModelFamily(f"{tmp_path}/**x/m")
