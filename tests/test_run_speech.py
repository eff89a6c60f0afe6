"""What the recipe on free speech refuses before it begins, and what it does in each stage."""

import subprocess

import pytest
import torch
from conftest import ROOT

from avsi.config_files import load_config
from avsi.models.inpainter import BLSTMInpainter
from avsi.models.store import load_model, start_from


def start(recipe, *options, cwd=None):
    folder = recipe.parent / "speech"
    command = ["bash", str(folder / "run.sh"), *map(str, options)]
    return subprocess.run(command, cwd=cwd or folder, capture_output=True, text=True)


def make_set(folder, *files):
    folder.mkdir(parents=True)
    for name in files:
        (folder / name).touch()


@pytest.fixture
def prepared(recipe):
    """The recipe with a filmed and a heard corpus, and one that is for the test alone."""
    data = recipe.parent / "speech" / "data" / "corpora"
    for name in ("train", "valid", "test"):
        make_set(data / "filmed" / name, "wav.scp", "video.scp", "landmarks.scp")
        make_set(data / "heard" / name, "wav.scp")
    make_set(data / "heard" / "train_lips", "wav.scp", "landmarks.scp")
    make_set(data / "others" / "test", "wav.scp")
    return recipe


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ([], "name the corpora to prepare"),
        (["--corpus", "an4"], "--corpus an4: expected NAME=DIR"),
        (["--corpus", "an4="], "--corpus an4=: expected NAME=DIR"),
        (["--test", "my_own=."], "--test my_own=.: expected a name of letters, digits and -"),
        (["--corpus", "an4=nowhere"], "--corpus an4=nowhere: no such folder"),
        (["--corpus", "an4=.", "--test", "an4=.."], "--test an4=..: there is a corpus of that name already"),
        (["--corpus", "an4=.", "--options", "an5=--min-s 1"], "--options an5=--min-s 1: expected NAME=OPTIONS"),
        (["--corpus", "an4=.", "--filmed", "nowhere"], "--filmed nowhere: no such folder"),
        (["--corpus", "an4=.", "--config", "mine.yaml"], "mine.yaml: no such file"),
        (["--corpus", "an4=.", "--over", "mine.yaml"], "mine.yaml: no such file"),
        (["--corpus", "an4=.", "--protocol", "mine.yaml"], "mine.yaml: no such file"),
        (["--stage", "8"], "there is no stage from 8 to 7"),
        (["--stage", "5", "--stop-stage", "4"], "there is no stage from 5 to 4"),
        (["--corpus", "an4=.", "--jobs", "0"], "--jobs 0: expected 1 or more"),
        (
            ["--corpus", "an4=.", "--max-left-out", "5%"],
            "--max-left-out 5%: expected a share from 0 to 1, such as 0.05",
        ),
        (["--corpus", "an4=.", "--max-left-out", "1.5"], "--max-left-out 1.5: expected a share from 0 to 1"),
        (["--corpus"], "--corpus needs a value"),
        (["--corpora", "an4=."], "unknown option --corpora"),
        (["--corpus", "an4=.", "--options", "an4=--split train"], "no corpus has a validation set"),
        (["--test", "an4=."], "no corpus has a validation set"),
        (["--smoke", "--corpus", "an4=."], "--smoke makes its corpora"),
        (["--smoke", "--work", "mine"], "--smoke makes its folder, smoke/, anew"),
    ],
)
def test_what_cannot_be_is_refused_first(recipe, options, why):
    before = sorted((recipe.parent / "speech").rglob("*"))
    result = start(recipe, *options)
    assert result.returncode == 1 and result.stdout == ""
    assert result.stderr.startswith("error: ") and why in result.stderr and result.stderr.count("\n") == 1
    assert sorted((recipe.parent / "speech").rglob("*")) == before


def test_corpora_are_prepared_each_by_its_name(recipe, tmp_path):
    for name in ("an4/etc", "my films", "libri"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "an4" / "etc" / "an4_train.transcription").touch()
    options = ("--corpus", "an4=an4", "--corpus", "films=my films", "--test", "libri=libri")
    further = ("--options", "libri=--speaker-from name --min-s 1")
    result = start(recipe, *options, *further, "--stop-stage", 0, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    recordings = "python -m data_prep.recordings --root"
    assert result.stdout.splitlines() == [
        "stage 0: prepare the corpora",
        f"python -m data_prep.an4 --root {tmp_path}/an4 --out data/recordings/an4",
        f"{recordings} data/recordings/an4 --out data/corpora/an4 --corpus an4 --id-prefix an4- --jobs 2",
        f"{recordings} {tmp_path}/my films --out data/corpora/films --corpus films --id-prefix films- --jobs 2",
        f"{recordings} {tmp_path}/libri --out data/corpora/libri --corpus libri --id-prefix libri- --jobs 2 "
        "--split test --speaker-from name --min-s 1",
    ]


def test_tables_among_options_are_sought_from_where_the_user_is_and_patterns_stay(recipe, tmp_path):
    user = tmp_path / "my place"
    make_set(user / "libri", "a.wav")
    make_set(user / "train", "a.wav")
    (user / "spk.txt").touch()
    further = ("--options", "libri=--speakers spk.txt --late=spk.txt --split train --transcripts *.txt")
    result = start(recipe, "--corpus", "libri=libri", *further, "--stop-stage", 0, cwd=user)
    assert result.returncode == 0, result.stderr
    expected = f"--speakers {user}/spk.txt --late={user}/spk.txt --split train --transcripts *.txt"
    assert result.stdout.splitlines()[1].endswith(f"--jobs 2 {expected}")


def test_a_config_may_have_a_space_in_its_name(prepared, tmp_path):
    (tmp_path / "my conf.yaml").touch()
    result = start(prepared, "--stage", 4, "--stop-stage", 4, "--over", "my conf.yaml", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert f"--config {tmp_path}/my conf.yaml --out exp/speech" in result.stdout


def test_lips_are_learned_from_faces_of_the_training_set_and_made_for_it_alone(prepared, tmp_path):
    (tmp_path / "voices").mkdir()
    result = start(prepared, "--stage", 1, "--stop-stage", 2, "--filmed", tmp_path / "voices")
    assert result.returncode == 0, result.stderr
    corpora = "data/corpora"
    assert result.stdout.splitlines() == [
        "stage 1: landmarks of what was filmed",
        *(
            f"python -m data_prep.landmarks {corpora}/filmed/{name} --drop --jobs 2"
            for name in ("test", "train", "valid")
        ),
        "stage 2: lips made for what was not",
        f"python -m data_prep.lips fit {tmp_path}/voices {corpora}/filmed/train --out data/lips.npz --jobs 2",
        f"python -m data_prep.lips apply data/lips.npz {corpora}/heard/train {corpora}/heard/train_lips --jobs 2",
    ]


def test_films_and_sound_alone_are_two_corpora(recipe, tmp_path):
    talks = recipe.parent / "speech" / "data" / "corpora" / "talks"
    make_set(talks / "train", "video.scp")
    make_set(talks / "valid")
    (talks / "train" / "wav.scp").write_text("a a.wav\nb b.wav\n")
    (talks / "valid" / "wav.scp").write_text("c c.wav\n")
    for films, code in (("a a.mp4\n", 1), ("a a.mp4\nb b.mp4\nc c.mp4\n", 0), ("", 0)):
        (talks / "train" / "video.scp").write_text(films)
        result = start(recipe, "--corpus", f"talks={tmp_path}", "--stop-stage", 0)
        assert result.returncode == code and len(result.stdout.splitlines()) == 2
        told = "error: corpus talks: 1 of 3 utterances were filmed; give films and sound alone as two corpora\n"
        assert result.stderr == (told if code else "")


@pytest.mark.parametrize("options", [("--stage", 2, "--stop-stage", 2), ("--corpus", "heard=.")])
def test_without_any_face_nothing_is_learned(recipe, options):
    make_set(recipe.parent / "speech" / "data" / "corpora" / "heard" / "train", "wav.scp")
    result = start(recipe, *options)
    assert result.returncode == 1 and "no face to learn lips from: name a data directory by --filmed" in result.stderr
    assert "stage 1" not in result.stdout and "stage 2" not in result.stdout


@pytest.mark.parametrize("stage", [0, 3])
def test_without_a_validation_set_nothing_is_put_together(recipe, tmp_path, stage):
    make_set(recipe.parent / "speech" / "data" / "corpora" / "films" / "train", "wav.scp", "video.scp")
    result = start(recipe, "--stage", stage, "--corpus", f"films={tmp_path}")
    assert result.returncode == 1 and result.stderr.startswith("error: no corpus has a validation set")
    assert result.stderr.count("\n") == 1 and "combine" not in result.stdout and "stage 1" not in result.stdout


def test_without_a_training_set_nothing_is_put_together(recipe):
    make_set(recipe.parent / "speech" / "data" / "corpora" / "heard" / "valid", "wav.scp")
    result = start(recipe, "--stage", 3)
    assert result.returncode == 1 and result.stdout == "" and result.stderr.count("\n") == 1
    assert result.stderr.startswith("error: no training set: name a data directory by --filmed")


def test_the_share_that_may_be_left_out_is_told_to_each_program_that_asks(prepared):
    folder = prepared.parent / "speech"
    make_set(folder / "exp" / "evaluation" / "filmed")
    make_set(folder / "exp" / "speech_sound", "config.json")  # as far as stage 5 looks for it
    for corpus in (folder / "data" / "corpora").iterdir():
        (corpus / "in").mkdir()
    given = ("--corpus", f"heard={folder}/data/corpora/heard/in", "--options", "heard=--max-left-out 0.3")
    result = start(prepared, *given, "--max-left-out", "0.1")
    assert result.returncode == 0, result.stderr
    told = {}
    for line in result.stdout.splitlines():
        if line.startswith("python -m "):
            program, _, options = line.removeprefix("python -m ").partition(" ")
            told.setdefault(program, set()).add("--max-left-out 0.1" in options)
    asked = {"recordings", "landmarks", "lips"}, {"restore", "score"}
    expected = {f"data_prep.{name}" for name in asked[0]} | {f"evaluation.{name}" for name in asked[1]}
    assert {program for program, of in told.items() if of == {True}} == expected
    assert {program for program, of in told.items() if True in of} == expected
    assert "--max-left-out 0.1 --max-left-out 0.3" in result.stdout


def test_one_model_of_all_and_its_part_that_needs_no_face(prepared):
    (prepared.parent / "speech" / "data" / "train").mkdir()
    (prepared.parent / "speech" / "data" / "train" / "corpus").write_text("an4 + films\n")
    result = start(prepared, "--stage", 3, "--stop-stage", 4)
    assert result.returncode == 0, result.stderr
    config, protocol = (prepared.parent / "speech" / "conf" / name for name in ("speech.yaml", "protocol.yaml"))
    assert result.stdout.splitlines() == [
        "stage 3: put together, statistics, gaps",
        "python -m data_prep.combine data/train data/corpora/filmed/train data/corpora/heard/train_lips",
        "python -m data_prep.combine data/valid data/corpora/filmed/valid data/corpora/heard/valid",
        f"python -m data_prep.stats data/train --config {config} --jobs 2",
        f"python -m data_prep.gaps data/valid random --config {config}",
        *(
            f"python -m data_prep.gaps data/corpora/{name}/test --protocol {protocol} --config {config}"
            for name in ("filmed", "heard", "others")
        ),
        "stage 4: train",
        f"avsi train --config {config} --out exp/speech",
        "avsi export exp/speech --sound-alone --out exp/speech_sound --trained-on free speech of an4 + films",
    ]


def test_each_test_set_is_an_evaluation_of_its_own(prepared):
    result = start(prepared, "--stage", 5, "--stop-stage", 5)
    assert result.stderr.startswith("error: exp/speech_sound: no model yet; stage 4 trains it")
    make_set(prepared.parent / "speech" / "exp" / "speech_sound", "config.json")
    result = start(prepared, "--stage", 5, "--stop-stage", 5)
    assert result.returncode == 0, result.stderr
    filmed, heard, others = result.stdout.splitlines()[1:]
    assert "restore data/corpora/filmed/test " in filmed and "--out exp/evaluation/filmed " in filmed
    assert "--system interpolation --system av --system exp/speech --system exp/speech_sound --out" in filmed
    for name, line in (("heard", heard), ("others", others)):
        assert f"restore data/corpora/{name}/test " in line and f"--out exp/evaluation/{name} " in line
        assert "--system interpolation --system a --system exp/speech_sound --out" in line


def test_the_general_model_can_be_trained_on_without_its_phones():
    config = load_config([ROOT / "recipes" / "speech" / "conf" / "speech.yaml"], [])
    general = load_model("av", "inpainter")
    assert general.config.model.ctc and not config.model.ctc
    model = BLSTMInpainter(config)
    start_from(model, "av")
    assert torch.equal(model.to_spectrum.weight, general.to_spectrum.weight) and not hasattr(model, "to_phones")
    assert torch.equal(model.visual_std, general.visual_std)
