"""The cards of models: those that are shipped, those that are begun, and the figures that evaluations put into them."""

import json
import re
import shutil

import numpy as np
import pytest
import torch
from conftest import restored, run_app, small_config

from avsi.config import RecognizerConfig
from avsi.data.ids import id_in_voice
from avsi.errors import AvsiError, DataError
from avsi.files import digest
from avsi.models.card import CARD, FACTS, FIGURES, NO_FIGURES, card_section, read_card, update_card
from avsi.models.inpainter import BLSTMInpainter
from avsi.models.recognizer import PhoneRecognizer
from avsi.models.store import PRETRAINED, TRAIN_IDS, WEIGHTS, pretrained_names, read_description, save_model, size_mb
from avsi.pretrained import ALIGNER, DURATIONS, SPEAKER_ENCODER, TAGGER
from evaluation import card
from evaluation.folder.evaluation import Evaluation

IDS = [
    "s01_bbaf2n",
    id_in_voice("s01_bbaf2n", 1),
    "s01_bbaf3s",
    "s02_lrai9a",
    id_in_voice("s02_lrai9a", 12),
    "s03_sgivzn",
]


def row(text: str, name: str) -> str:
    """What a card's table of facts says."""
    return re.search(rf"^\| {name} \| (.*) \|$", text, re.MULTILINE)[1]


@pytest.fixture
def exported(tmp_path):
    """A model as `avsi export` leaves it, without a card."""
    torch.manual_seed(0)
    config = small_config(model={"video": False, "dropout": 0.1}, gaps={"max_count": 3})
    save_model(tmp_path / "mine", BLSTMInpainter(config), {"trained_on": "noise", "epoch": 4}, half=True)
    (tmp_path / "mine" / "train_ids").write_text("".join(f"{id_}\n" for id_ in IDS))
    return tmp_path / "mine"


@pytest.mark.parametrize("name", pretrained_names())
def test_a_shipped_models_card_is_whole_and_of_its_weights(name):
    folder = PRETRAINED / name
    text = read_card(folder)
    headings = ["What it is for", "How it was made", "Figures", "Limits"]
    assert re.findall("^## (.*)$", text, re.MULTILINE) == headings
    data, limits = (text.partition(f"## {heading}")[2] for heading in ("How it was made", "Limits"))
    for said in ("GRID", "CC BY 4.0", "Cooke", "Apache-2.0", "hours", "Trained on"):
        assert said in data
    for said in ("Speakers", "Words", "Gaps", "Level", "English"):
        assert said in limits
    assert "To be written" not in text and NO_FIGURES["inpainter"] not in text
    weights = digest(folder / WEIGHTS)
    assert weights in card_section(folder, text, FACTS) and weights in card_section(folder, text, FIGURES)
    assert read_description(folder)["about"]["trained_on"] == row(text, "Trained on")
    scored = r"^\| 800 ms \| 0\.\d{3} \[0\.\d{3}, 0\.\d{3}\] \|"
    aligned = r"^\| (in the gap|800 ms), with the face \| \d+\.\d \[\d+\.\d, \d+\.\d\] \|"
    figures = card_section(folder, text, FIGURES)
    told = r"^\| as it was recorded( \| \d+\.\d \[\d+\.\d, \d+\.\d\]){3} \|"
    tagged = r"^\| held-out( \| \d\.\d\d \[\d\.\d\d, \d\.\d\d\]){2} \|"
    expected = {TAGGER: tagged, ALIGNER: aligned, DURATIONS: aligned, SPEAKER_ENCODER: told}.get(name, scored)
    assert re.search(expected, figures, re.MULTILINE)
    assert size_mb(folder) < 10


def test_a_card_is_begun_with_what_the_files_tell(exported):
    update_card(exported)
    text = read_card(exported)
    assert text.startswith("# mine\n\nTrained on noise.\n") and "--model mine" in text
    assert NO_FIGURES["inpainter"] in card_section(exported, text, FIGURES) and text.count("To be written") == 3
    assert row(text, "Kind").startswith("inpainter: 2 BLSTM layers of 24 units a direction, 0.08 million parameters")
    assert row(text, "Input") == "sound at 16 kHz, each channel by itself (other rates are converted)"
    assert row(text, "Gaps in training").startswith(
        "1 to 3 an utterance, each of 36 ms or more, together 900 ms on average"
    )
    assert (
        row(text, "Utterances")
        == "4 of 3 speakers (2 of s01; 1 each of s02, s03), and 2 copies of them in other voices"
    )
    assert row(text, "Training") == "seed 0, best epoch 4"
    assert "`gaps.max_count=3`" in row(text, "Settings") and "accelerator" not in row(text, "Settings")
    assert digest(exported / WEIGHTS) in row(text, "Weights")
    assert "is expected" in row(text, "Level")


def test_many_speakers_are_counted_and_not_named(exported):
    (exported / TRAIN_IDS).write_text("".join(f"p{number:03d}_{name}\n" for number in range(50) for name in "ab"))
    update_card(exported)
    assert row(read_card(exported), "Utterances") == "100 of 50 speakers"


def test_other_weights_renew_facts_and_drop_figures_but_keep_what_people_wrote(exported):
    update_card(exported)
    (exported / CARD).write_text(read_card(exported).replace("To be written", "Written"))
    update_card(exported, f"0.5, of {digest(exported / WEIGHTS)}")
    update_card(exported)
    assert "0.5, of " in read_card(exported)
    torch.manual_seed(1)
    config = small_config(model={"normalise": "utterance"}, visual={"points": "articulation"})
    save_model(exported, BLSTMInpainter(config), {"trained_on": "new | noise"}, half=True)
    update_card(exported)
    text = read_card(exported)
    assert "0.5, of " not in text and NO_FIGURES["inpainter"] in text and text.count("Written") == 3
    assert row(text, "Trained on") == "new / noise" and "does not matter" in row(text, "Level")
    assert "the speaker's face: measures of lips and jaw" in row(text, "Input")


def test_a_recogniser_has_a_card_too(tmp_path):
    save_model(tmp_path, PhoneRecognizer(small_config(RecognizerConfig), phones=("A", "B")))
    update_card(tmp_path)
    text = read_card(tmp_path)
    assert row(text, "Kind").startswith("recognizer: ") and row(text, "Output") == "phones"
    assert "`model.kind=recognizer` `model.layers=2` `model.hidden=24` `training" in row(text, "Settings")
    assert "Gaps in training" not in text and "Utterances" not in text


def test_a_card_without_marks_and_none_at_all_are_said(exported):
    with pytest.raises(DataError, match=r"README\.md: this model has no card; `avsi export` writes one"):
        read_card(exported)
    (exported / CARD).write_text("# Mine\n")
    with pytest.raises(DataError, match="has no lines '<!-- figures -->' and '<!-- end of figures -->'"):
        update_card(exported)
    assert (exported / CARD).read_text() == "# Mine\n"


def test_an_evaluation_puts_its_means_into_the_card(evaluation, model, tmp_path):
    mine = shutil.copytree(model, tmp_path / "mine")
    run_app(card.app, mine, evaluation, "--metrics", "stoi,l1")
    figures = card_section(mine, read_card(mine), FIGURES)
    rows = Evaluation.read(evaluation).set("model", "600ms").rows("scores.jsonl").values()
    l1, stoi = (np.mean([row[name] for row in rows]) for name in ("l1", "stoi"))
    assert "### evaluation: unnamed corpus" in figures and "4 utterances of s04 in" in figures
    assert "| Gaps | L1 ↓ (training deviations) | STOI ↑ |" in figures and "PESQ" not in figures
    assert re.search(rf"^\| 600 ms \| {l1:.3f} \[.*\] \| {stoi:.3f} \[", figures, re.MULTILINE)
    assert "Paired differences, mine minus interpolation" in figures
    assert f"Measured with the weights {digest(mine / WEIGHTS)}." in figures
    assert "evelopment set" not in figures
    about = json.loads((evaluation / "evaluation.json").read_text()) | {"development": "conf/*.yaml were chosen on it"}
    (evaluation / "evaluation.json").write_text(json.dumps(about))
    run_app(card.app, mine, evaluation)
    assert "**Development set, no test set: conf/\\*.yaml were chosen on it.**" in card_section(
        mine, read_card(mine), FIGURES
    )


def test_figures_of_the_weights_before_rounding_are_said_to_be_that_and_others_are_refused(evaluation, exported, model):
    from avsi.models.store import load_model

    with pytest.raises(AvsiError, match=r"no system there has the weights of .*mine"):
        run_app(card.app, exported, evaluation)
    assert not (exported / CARD).exists()
    before = digest(model / WEIGHTS)
    save_model(exported, load_model(model), {"exported_from": before}, half=True)
    run_app(card.app, exported, evaluation)
    said = f"Measured with the weights {before}, before they were rounded to these ({digest(exported / WEIGHTS)})."
    assert said in read_card(exported)


def test_a_family_stands_for_a_model_that_has_seen_the_test_speakers(evaluation, exported, tmp_path):
    folder = shutil.copytree(evaluation, tmp_path / "of_families")
    with pytest.raises(AvsiError, match="nor a family of models by the name of 'model'"):
        run_app(card.app, exported, folder, "--family", "model")  # a single model stands for itself alone
    about = json.loads((folder / "evaluation.json").read_text())
    about["systems"]["model"]["models"] = 3
    (folder / "evaluation.json").write_text(json.dumps(about))
    run_app(card.app, exported, folder, "--family", "model")
    said = f"Measured on 3 models made like this one ({digest(exported / WEIGHTS)}), each trained without the speakers"
    assert said in read_card(exported) and "| 600 ms |" in read_card(exported)


@pytest.mark.slow
def test_conditions_where_the_model_was_not_scored_are_left_out(corpus, evaluation, model, tmp_path):
    gaps = tmp_path / "gaps_250ms"
    gaps.write_text("".join(f"s04_clip{n} 0.5 0.75\n" for n in range(4)))
    restored(corpus, evaluation, "interpolation", gaps=gaps)
    mine = shutil.copytree(model, tmp_path / "mine")
    with pytest.warns(match="model/250ms: not restored"):
        run_app(card.app, mine, evaluation)
    figures = card_section(mine, read_card(mine), FIGURES)
    assert "| 600 ms |" in figures and "| 250 ms |" not in figures
