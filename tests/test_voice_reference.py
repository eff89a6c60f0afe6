"""A reference for the voice that gaps are filled in: files, the commands, and what models are told in evaluations."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import RATE, make_datadir, run_app, speech
from voice_models import make_models, ship

from avsi.data.datadir import read_datadir
from avsi.data.gaps import Gap
from avsi.errors import ConfigError, DataError, MediaError, ModelError
from avsi.files import digest
from avsi.models.store import WEIGHTS
from avsi.restoring.inpainting import Inpainter
from avsi.restoring.recordings import inpaint_file
from avsi.restoring.voices import VoiceEncoder
from evaluation import restore
from evaluation.folder.evaluation import Evaluation
from evaluation.statistics.comparisons import ablation_pairs
from evaluation.systems.references import REFERENCE_S, References, voice_in

GAP = Gap(1.0, 1.4)


@pytest.fixture(scope="module")
def room(tmp_path_factory) -> Path:
    """Models; recordings of a talk, another voice, a short and a silent one; and a set of two speakers."""
    folder = make_models(tmp_path_factory.mktemp("room"))
    for name, samples in (
        ("talk", speech(0)),
        ("other", np.concatenate([speech(5), speech(6)])),
        ("short", speech(0, 0.6)),
        ("silent", np.zeros(2 * RATE, np.float32)),
    ):
        soundfile.write(folder / f"{name}.wav", samples, RATE)
    make_datadir(folder / "test", [f"s{speaker:02d}_clip{n}" for speaker in (1, 2) for n in range(2)], False)
    (folder / "test" / "gaps_600ms").write_text(
        "".join(f"s{speaker:02d}_clip{n} 0.9 1.5\n" for speaker in (1, 2) for n in range(2))
    )
    return folder


@pytest.fixture(autouse=True)
def shipped(room, tmp_path, monkeypatch):
    ship(room / "encoder", tmp_path / "pretrained", monkeypatch)


def restored(room, out, reference=None, gap=GAP) -> np.ndarray:
    inpaint_file(room / "talk.wav", out, Inpainter.from_pretrained(room / "told"), [gap], reference=reference)
    return soundfile.read(out)[0]


def listed(out: Path) -> list[dict]:
    return json.loads(out.with_name(f"{out.name}.edits.json").read_text())["edits"]


def test_a_gap_is_filled_in_the_voice_of_a_reference(room, tmp_path):
    own = restored(room, tmp_path / "own.wav")
    other = restored(room, tmp_path / "other.wav", f"{room / 'other.wav'}@3:5.9")
    assert np.abs(own - other).max() > 1e-4
    inside = slice(round(GAP.start_s * RATE), round(GAP.end_s * RATE))
    assert np.array_equal(np.delete(own, np.r_[inside]), np.delete(other, np.r_[inside]))
    assert listed(tmp_path / "own.wav")[0]["reference"] is None
    assert listed(tmp_path / "other.wav")[0]["reference"] == f"{room / 'other.wav'}@3:5.9"


def test_a_recording_is_its_own_reference_without_its_gaps(room, tmp_path):
    samples = speech(0)
    copy = tmp_path / "talk.wav"
    inside = slice(round(GAP.start_s * RATE), round(GAP.end_s * RATE))
    results = []
    for content in (samples[inside], 0.5 * speech(9)[inside]):
        samples[inside] = content
        soundfile.write(copy, samples, RATE)
        inpaint_file(copy, tmp_path / "out.wav", Inpainter.from_pretrained(room / "told"), [GAP], reference=copy)
        results.append(soundfile.read(tmp_path / "out.wav")[0])
    assert np.array_equal(*results)


@pytest.mark.parametrize(
    ("reference", "kind", "told"),
    [
        ("missing.wav", MediaError, "missing.wav: no such file"),
        ("talk.wav@2:9", ConfigError, "talk.wav@2:9: outside the sound, which plays from 0.000 to 2.978 s"),
        ("talk.wav@2:1", ConfigError, r"expected FILE@START:END in seconds"),
        ("silent.wav", DataError, "silent.wav: no speech"),
        ("short.wav", DataError, r"short.wav: holds 0\.\d\d s of speech, expected 1 s or more"),
    ],
)
def test_a_reference_that_tells_no_voice_is_refused_before_models_are_loaded(room, tmp_path, reference, kind, told):
    def load():
        raise AssertionError("loaded")

    with pytest.raises(kind, match=told):
        inpaint_file(room / "talk.wav", tmp_path / "out.wav", load, [GAP], reference=room / reference)
    assert not list(tmp_path.glob("out*"))


def test_a_model_that_takes_no_voice_is_told_none(room, tmp_path):
    with pytest.raises(ModelError, match="is told no voice; leave the reference out"):
        inpainter = Inpainter.from_pretrained(room / "plain")
        inpaint_file(room / "talk.wav", tmp_path / "out.wav", inpainter, [GAP], reference=room / "other.wav")


def test_the_command_takes_a_reference(room, tmp_path, avsi):
    out, reference = tmp_path / "out.wav", f"{room / 'other.wav'}@0:5"
    options = ("inpaint", room / "talk.wav", "--gap", "1.0:1.4", "-o", out, "--reference", reference)
    status, _, told = avsi(*options, "--model", room / "told")
    assert status == 0, told
    assert listed(out)[0]["reference"] == reference
    assert np.array_equal(soundfile.read(out)[0], restored(room, tmp_path / "again.wav", reference))
    status, _, told = avsi(*options, "--model", room / "plain")
    assert (status, told.count("error: ")) == (1, 1)
    assert f"{room / 'plain'}: is told no voice; leave the reference out" in told
    # Of several files each is filled in that voice.
    folder = tmp_path / "folder"
    clips = (room / "talk.wav", room / "other.wav")
    status, _, told = avsi(
        "inpaint", *clips, "--gap", "1.0:1.4", "-o", f"{folder}/", "--reference", reference, "--model", room / "told"
    )
    assert status == 0, told
    assert [listed(folder / clip.name)[0]["reference"] for clip in clips] == [reference] * 2


def test_another_encoder_than_the_models_is_told(room, tmp_path, monkeypatch, avsi):
    ship(room / "other_encoder", tmp_path / "others", monkeypatch)
    options = ("--gap", "1.0:1.4", "-o", tmp_path / "out.wav", "--model", room / "told")
    for more in ((), ("--reference", room / "other.wav")):
        status, _, told = avsi("inpaint", room / "talk.wav", *options, *more)
        assert status == 1
        assert all(digest(room / name / WEIGHTS) in told for name in ("encoder", "other_encoder"))
    assert not (tmp_path / "out.wav").exists()


def test_edit_names_what_a_reference_lacks(room, tmp_path, avsi):
    said = ("--transcript", "bin blue", "--say", "bin red", "-o", tmp_path / "out.wav")
    other = "av_text: takes the voices of the speaker encoder "
    for more, expected in ((("--dry-run",), "missing.wav: no such file"), ((), other)):
        status, _, told = avsi("edit", room / "talk.wav", *said, "--reference", room / "missing.wav", *more)
        assert status == 1 and expected in told


def test_references_are_of_other_utterances_and_always_the_same(room):
    utterances = read_datadir(room / "test")
    references = References(utterances)
    for utterance in utterances:
        others = [u.id for u in utterances if u.speaker == utterance.speaker and u.id != utterance.id]
        assert [each.id for each in references.of_speaker(utterance)] == others
        strange = references.of_stranger(utterance)
        assert len({each.speaker for each in strange}) == 1 and strange[0].speaker != utterance.speaker
        assert [each.id for each in References(utterances).of_stranger(utterance)] == [each.id for each in strange]
    with pytest.raises(DataError, match="is the only utterance of s01"):
        References(utterances[:1]).of_speaker(utterances[0])
    with pytest.raises(DataError, match="s01 is the only speaker"):
        References(utterances[:2]).of_stranger(utterances[0])


def test_no_more_than_five_seconds_are_heard(room):
    encoder = VoiceEncoder.from_pretrained(device="cpu")
    utterances = read_datadir(room / "test")
    few, many = voice_in(utterances[:1], encoder), voice_in(utterances, encoder)
    assert few.speech_s < many.speech_s == pytest.approx(REFERENCE_S, abs=0.02)
    assert np.linalg.norm(many.vector) == pytest.approx(1, rel=1e-5)


def evaluated(corpus, room, out, *systems):
    options = [option for system in systems for option in ("--system", system)]
    stats = ("--stats", corpus / "train" / "stats.npz", "--jobs", 1)
    return run_app(restore.app, room / "test", "--gaps", room / "test" / "gaps_600ms", *options, "--out", out, *stats)


def test_each_voice_that_is_told_restores_something_else(corpus, room, tmp_path):
    kinds = {"own": "", "untold": ":no-voice", "reference": ":reference", "stranger": ":stranger"}
    systems = [f"{name}={room / 'told'}{told}" for name, told in kinds.items()]
    evaluated(corpus, room, tmp_path / "out", *systems)
    found = Evaluation.read(tmp_path / "out")
    heard = {
        name: [soundfile.read(path)[0] for _, path in sorted(found.set(name, "600ms").wavs.items())] for name in kinds
    }
    assert all(len(each) == 4 for each in heard.values())
    for one in kinds:
        for two in kinds:
            same = [np.array_equal(a, b) for a, b in zip(heard[one], heard[two], strict=True)]
            assert all(same) if one == two else not any(same), f"{one} and {two}"
    about = found.about["systems"]
    assert about["own"]["told_of_voice"] == "that heard around the gap"
    assert about["stranger"]["told_of_voice"] == "that of another speaker"
    assert ablation_pairs(found) == []
    assert "restored anew" not in evaluated(corpus, room, tmp_path / "out", *systems)


@pytest.mark.parametrize(
    ("system", "told"),
    [
        ("plain:reference", "is told no voice, so it cannot be restored with reference"),
        ("told:reference:stranger", "is told reference and stranger; expected one of them"),
    ],
)
def test_what_a_model_cannot_be_told_is_refused(corpus, room, tmp_path, system, told):
    with pytest.raises(ConfigError, match=told):
        evaluated(corpus, room, tmp_path / "out", f"one={room}/{system}")
