"""A full disk: one line that names the file, nothing half-written, and no folder that the run made. A limit on the size
of files stands in for the disk.
"""

import errno
import os
import resource
import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import corpus_config, make_datadir, restored, run_app, speech
from lightning.pytorch.loggers import CSVLogger

import avsi.cli
from avsi.errors import AvsiError, DataError
from avsi.folders import locked
from avsi.media.sound_writing import write_wav
from avsi.training.run import train
from data_prep import combine, gaps, leave_out, stats, voices
from data_prep.grid import preparation as grid
from evaluation import score

ERRORS = (AvsiError, OSError)  # what programs print as one line


@contextmanager
def largest_file(n_bytes: int):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def snapshot(folder: Path) -> dict[str, bytes | None]:
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def told(error: BaseException) -> str:
    """What the line on the terminal begins with."""
    return str(getattr(error, "filename", None) or error)


def train_options(corpus: Path) -> list[str]:
    config = corpus_config(corpus)
    return [f"--set=data.{name}={getattr(config.data, name)}" for name in ("train", "valid", "stats", "valid_gaps")]


def test_no_clip_is_left_out_for_it(tmp_path):
    wav = tmp_path / "s1" / "bbaf2n.wav"
    wav.parent.mkdir()
    write_wav(wav, speech(0), 16000)
    clip = grid.Clip("bbaf2n", "s01", None, wav, None, None)
    with largest_file(1000), pytest.raises(DataError, match=r"s01_bbaf2n\.wav: cannot be written"):
        grid.prepare_clip(clip, tmp_path / "wav")


@pytest.mark.parametrize("n_bytes", [100, 1000, 200_000])
def test_export_leaves_no_folder(model, tmp_path, n_bytes):
    with largest_file(n_bytes), pytest.raises(ERRORS) as error:
        run_app(avsi.cli.app, "export", model, "-o", tmp_path / "a" / "mine", "--trained-on", "x")
    assert told(error.value).startswith(str(tmp_path / "a" / "mine" / "model.safetensors"))
    assert snapshot(tmp_path) == {}


def test_export_over_a_model_changes_all_of_it_or_nothing(model, tmp_path, monkeypatch):
    mine = tmp_path / "mine"
    run_app(avsi.cli.app, "export", model, "-o", mine, "--trained-on", "noise")
    card = mine / "README.md"
    card.write_text(card.read_text().replace("# mine", "# Ours").replace("To be written", "Written"))
    before = snapshot(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("avsi.models.card.write_text", full)
        with pytest.raises(OSError) as error:
            run_app(avsi.cli.app, "export", model, "-o", mine, "--trained-on", "speech")
    assert told(error.value) == str(mine) and snapshot(tmp_path) == before
    run_app(avsi.cli.app, "export", model, "-o", mine, "--trained-on", "speech")
    assert "| Trained on | speech |" in card.read_text() and "Written" in card.read_text()
    assert card.read_text().startswith("# Ours") and set(snapshot(tmp_path)) == set(before)


@pytest.mark.parametrize(("n_bytes", "file"), [(100, "clean/"), (20_000, "interpolation/600ms/wav/s04_clip0.wav")])
def test_restore_leaves_no_folder(corpus, tmp_path, n_bytes, file):
    with largest_file(n_bytes), pytest.raises(ERRORS) as error:
        restored(corpus, tmp_path / "a" / "new", "interpolation")
    assert told(error.value).startswith(f"{tmp_path}/a/new/{file}")
    assert snapshot(tmp_path) == {}


def test_what_is_added_to_an_evaluation_is_there_in_whole_or_not_at_all(corpus, evaluation, monkeypatch):
    before = snapshot(evaluation)
    monkeypatch.setattr("evaluation.folder.evaluation.write_text", full)
    with pytest.raises(OSError):
        restored(corpus, evaluation, "interpolation", gaps="gaps_random")
    assert snapshot(evaluation) == before
    monkeypatch.setattr(score, "write_lines", full)
    with pytest.raises(OSError):
        run_app(score.app, evaluation, "--jobs", 1, "--metrics", "l1", "--again")
    assert snapshot(evaluation) == before


def test_train_leaves_no_folder(corpus, tmp_path):
    with largest_file(1000), pytest.raises(OSError) as error:
        run_app(avsi.cli.app, "train", "--out", tmp_path / "a" / "run", *train_options(corpus))
    assert told(error.value) == str(tmp_path / "a" / "run" / "config.yaml") and snapshot(tmp_path) == {}


@pytest.mark.parametrize("there", [False, True])
def test_data_directories_are_whole_or_as_they_were(corpus, tmp_path, there):
    if there:
        make_datadir(tmp_path / "all", ["s09_a"])
        run_app(gaps.app, tmp_path / "all", "random")
        make_datadir(tmp_path / "folds" / "s01" / "train", ["s09_a"])
    before = snapshot(tmp_path)
    for app, out, *options in (
        (combine.app, "all", corpus / "train", corpus / "valid"),
        (leave_out.app, "folds", "--fold", "s01"),
    ):
        arguments = [tmp_path / out, *options] if app is combine.app else [corpus / "train", tmp_path / out, *options]
        with largest_file(200), pytest.raises(OSError) as error:
            run_app(app, *arguments)
        assert told(error.value).startswith(str(tmp_path / out)) and ".partial" not in told(error.value)
        assert snapshot(tmp_path) == before
        run_app(app, *arguments)
        shutil.rmtree(tmp_path / out)
        before = {path: content for path, content in before.items() if not path.startswith(out)}


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")  # what would be printed beside the line
def test_statistics_and_gaps_are_whole_or_as_they_were(corpus, tmp_path):
    shutil.copytree(corpus / "valid", tmp_path / "set")
    before = snapshot(tmp_path)
    for app, options, file in ((stats.app, [], "stats.npz"), (gaps.app, ["random", "--seed", 1], "gaps_random")):
        with largest_file(100), pytest.raises(OSError) as error:
            run_app(app, tmp_path / "set", *options)
        assert told(error.value) == str(tmp_path / "set" / file) and snapshot(tmp_path) == before


def test_two_runs_into_one_folder_do_not_meet(corpus, evaluation, tmp_path):
    (tmp_path / "run").mkdir()
    before = snapshot(tmp_path)
    with locked(tmp_path / "run"), locked(evaluation):
        for start in (
            lambda: run_app(voices.app, corpus / "train", tmp_path / "run"),
            lambda: run_app(avsi.cli.app, "train", "--out", tmp_path / "run", *train_options(corpus)),
            lambda: restored(corpus, evaluation, "interpolation", gaps="gaps_random"),
            lambda: run_app(score.app, evaluation, "--jobs", 1),
        ):
            with pytest.raises(DataError, match="another process is at work on it"):
                start()
    assert snapshot(tmp_path) == before


def test_where_the_logs_of_training_find_no_room_its_folder_is_named(corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(CSVLogger, "save", full)
    with pytest.raises(OSError, match="No space left") as raised:
        train(corpus_config(corpus, training={"max_epochs": 1}), tmp_path / "run", progress=False)
    assert raised.value.filename == str(tmp_path / "run")
