"""Features that are kept: the same as those that are computed, made once, and never those of other data."""

import fcntl
import os
import shutil
import subprocess
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from conftest import corpus_config, make_datadir
from test_full_disk import largest_file
from voices import encoder_config

from avsi.config import TaggerConfig
from avsi.config_files import config_from_dict, load_config
from avsi.data import feature_files
from avsi.data.datadir import read_datadir, write_datadir
from avsi.errors import AvsiWarning, DataError, MediaError
from avsi.training.dataset import InpaintingData
from avsi.training.feature_cache import keep_features, size_of
from avsi.training.speakers import SpeakerData
from avsi.training.tagging import TaggingData


@pytest.fixture(autouse=True)
def small_files(cache, monkeypatch):
    monkeypatch.setattr(feature_files, "AT_ONCE", 5)


@pytest.fixture
def files(cache):
    """The files there are, with the time when each was written."""
    return lambda: {path: path.stat().st_mtime_ns for path in (cache / "features").glob("*")}


def config_on(corpus: Path, **training: object):
    return corpus_config(corpus, training={"cache": "disk", **training})


def kept(data: InpaintingData) -> InpaintingData:
    keep_features(data, 1, makes=True, tells=False)
    return data


def same(one: tuple, two: tuple) -> bool:
    values = [each for item in (one, two) for each in (item[0], *item[1], item[2])]
    middle = len(values) // 2
    return all(
        torch.equal(left.nan_to_num(7), right.nan_to_num(7)) if isinstance(left, torch.Tensor) else left == right
        for left, right in zip(values[:middle], values[middle:], strict=True)
    )


@pytest.mark.parametrize("kind", [InpaintingData, TaggingData, SpeakerData])
def test_features_from_disk_are_those_that_are_computed(corpus, files, kind):
    config = config_on(corpus)
    if kind is not InpaintingData:
        config.model = TaggerConfig() if kind is TaggingData else encoder_config().model
    if kind is SpeakerData:
        config.training.batch_size = 8
    computed, from_disk = (
        kind(corpus / "train", config, augmented=True),
        kept(kind(corpus / "train", config, augmented=True)),
    )
    assert len(files()) == 3
    assert all(same(computed[place, 1], from_disk[place, 1]) for place in range(12))


def test_files_are_made_once_for_the_same_settings_and_data(corpus, files):
    kept(InpaintingData(corpus / "train", config_on(corpus)))
    before = files()
    kept(InpaintingData(corpus / "train", config_on(corpus, seed=3, batch_size=2), augmented=True))
    assert files() == before
    config = config_on(corpus)
    config.visual.points = "mouth"
    assert kept(InpaintingData(corpus / "train", config))[0][1].visual.shape == (249, 74)
    assert len(files()) == 2 * len(before)


def test_files_of_the_same_recordings_are_one(tmp_path, corpus, files):
    """Of recordings that are listed again and again, several files have the same content, and so the same name."""
    config, [first, *_] = config_on(corpus), read_datadir(corpus / "train")
    write_datadir(tmp_path / "again", [replace(first, id=f"{first.id}{letter}") for letter in "abcdefghij"])
    from_disk = kept(InpaintingData(tmp_path / "again", config))
    assert len(files()) == 1
    computed = InpaintingData(tmp_path / "again", config)
    assert all(same(computed[place], from_disk[place]) for place in (0, 4, 5, 9))


def test_where_a_sound_changed_its_file_alone_is_made_anew(tmp_path, corpus, files):
    folder = make_datadir(tmp_path / "set", [f"s01_{number}" for number in range(12)])
    kept(InpaintingData(folder, config_on(corpus)))
    before = files()
    wav = Path(read_datadir(folder)[7].wav)
    old = InpaintingData(folder, config_on(corpus))[7][1].log_spectrum
    shutil.copy(read_datadir(folder)[0].wav, wav)
    new = kept(InpaintingData(folder, config_on(corpus)))[7][1].log_spectrum
    assert not torch.equal(new, old) and before.items() <= files().items() and len(files()) == len(before) + 1


@pytest.mark.parametrize("damage", ["gone", "truncated", "empty", "text"])
def test_what_is_missing_or_not_whole_is_made_anew_and_nothing_else(corpus, files, damage):
    data = InpaintingData(corpus / "train", config_on(corpus))
    kept(data)
    before, path = files(), data.files_in(next(iter(files())).parent).path(1)
    content = path.read_bytes()
    path.unlink()
    if damage != "gone":
        path.write_bytes({"truncated": content[:-10], "empty": b"", "text": b"a text of some length"}[damage])
    with pytest.raises(DataError, match=r"safetensors: gone or damaged; the same command makes it anew"):
        data[6]
    kept(InpaintingData(corpus / "train", config_on(corpus)))
    assert path.read_bytes() == content
    assert {one for one, time in before.items() if files()[one] != time} == {path}


def test_features_that_another_process_makes_are_waited_for_and_not_made_again(corpus, files, cache):
    first = InpaintingData(corpus / "train", config_on(corpus))
    names = first.files_in(cache / "features")
    (cache / "features").mkdir(parents=True)
    with (cache / "features" / f".{names.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        second = InpaintingData(corpus / "train", config_on(corpus))
        waiting = threading.Thread(target=keep_features, args=(second, 1, True, False))
        waiting.start()
        for number in range(len(names)):
            names.write(number, [first.make(index) for index in names.indices(number)])
        before = {path: time for path, time in files().items() if path.suffix == ".safetensors"}
        assert waiting.is_alive()
    waiting.join(60)
    assert files() == before  # without a lock file
    assert same(first[3], second[3])


def test_a_full_disk_leaves_what_was_whole_and_is_told(corpus, files):
    data = InpaintingData(corpus / "train", config_on(corpus))
    with largest_file(100_000), pytest.raises(DataError, match=r"cannot be written, is the disk full\? .*AVSI_CACHE"):
        kept(data)
    assert not files()


def test_an_utterance_that_cannot_be_read_is_named(tmp_path, corpus, files):
    folder = make_datadir(tmp_path / "set", [f"s01_{number}" for number in range(7)])
    (folder / "s01_6.wav").write_bytes(b"no sound")
    with pytest.raises(MediaError, match=r"s01_6\.wav: not a sound or video file"):
        kept(InpaintingData(folder, config_on(corpus)))
    assert len(files()) == 1  # the next run goes on with the rest


def test_auto_takes_memory_for_what_fits_else_disk_else_nothing(corpus, files):
    def place(processes: int = 1, **training: object) -> object:
        data = InpaintingData(corpus / "train", config_on(corpus, cache="auto", **training))
        keep_features(data, processes, makes=True, tells=False)
        return data._place

    size_gb = size_of(InpaintingData(corpus / "train", config_on(corpus))) / 1e9
    assert size_gb == pytest.approx(12 * 249 * (257 + 136) * 4 / 1e9)
    assert place() == "memory" and place(cache_memory_gb=1.01 * size_gb) == "memory"
    with pytest.warns(AvsiWarning, match=r"computed in each epoch.* 0\.0047 GB .*training\.cache_disk_gb"):
        assert place(2, cache_memory_gb=1.99 * size_gb, cache_disk_gb=0.5 * size_gb) == "none"
    assert not files()
    assert isinstance(place(workers=0, cache_memory_gb=0.0), feature_files.FeatureFiles)
    assert isinstance(place(workers=1, cache_disk_gb=0.0), feature_files.FeatureFiles)  # nothing is added


def test_what_was_asked_for_and_has_no_room_is_refused_before_anything_is_written(corpus, files, monkeypatch):
    data = InpaintingData(corpus / "train", config_on(corpus, cache_disk_gb=1e-3))
    with pytest.raises(
        DataError, match=r"features: 0\.0047 GB of features would be added to 0 GB, above the 0\.001 GB"
    ):
        kept(data)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2e6))
    with pytest.raises(DataError, match=r"would be written where 0\.002 GB are free; AVSI_CACHE names another"):
        kept(InpaintingData(corpus / "train", config_on(corpus)))
    assert not files()


def test_the_command_that_is_told_deletes_what_was_not_used_for_the_longest_time(corpus, files):
    def made(points: str) -> set[Path]:
        config = config_on(corpus, cache_disk_gb=0.01)
        config.visual.points = points
        before = {*files()}
        kept(InpaintingData(corpus / "train", config))
        return {*files()} - before

    whole, mouth, now_s = made("face"), made("mouth"), time.time()
    for path in mouth:
        os.utime(path, (now_s - 7200, now_s - 7200))
    for path in whole:
        os.utime(path, (now_s + 7200, now_s))  # in the future: no system changes it as the file is read
    assert not made("face")
    assert all(now_s - 2 <= path.stat().st_atime <= time.time() for path in whole)
    with pytest.raises(DataError, match=r"if no run uses them, delete the 0\.004 GB that were last used by") as told:
        made("articulation")
    assert {*files()} == whole | mouth
    command = "find " + str(told.value).partition(": find ")[2]
    subprocess.run(command, shell=True, check=True)
    assert {*files()} == whole
    assert len(made("articulation")) == 3


@pytest.mark.parametrize("place", ["disk", "memory", "none"])
def test_half_precision_rounds_alike_wherever_features_are_kept_and_halves_the_files(corpus, files, place):
    full = InpaintingData(corpus / "train", config_on(corpus, cache="none"))[0][1]
    data = kept(InpaintingData(corpus / "train", config_on(corpus, cache=place, half_features=True)))
    for _ in range(2):
        half = data[0][1]
        assert torch.equal(half.log_spectrum, full.log_spectrum.half().float())
        assert torch.equal(half.visual, full.visual.half().float())
    assert 0 < (half.log_spectrum - full.log_spectrum).abs().max() < 0.004
    if place == "disk":
        assert sum(path.stat().st_size for path in files()) == pytest.approx(12 * 249 * (257 + 136) * 2, rel=0.01)


def test_what_earlier_versions_wrote_of_the_cache_is_read():
    assert load_config([], ["training.cache=false"]).training.cache == "none"
    assert config_from_dict({"training": {"cache": True}}).training.cache == "memory"
