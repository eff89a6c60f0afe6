"""Errors of the processes that load the data are told as those of the training process itself."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import corpus_config, make_datadir
from lightning.pytorch import Callback
from torch.utils.data.dataloader import _MultiProcessingDataLoaderIter

from avsi.data.datadir import Utterance
from avsi.errors import AvsiError
from avsi.training.run import train


class Damage(Callback):
    """Does something to the files once training is prepared."""

    def __init__(self, do: Callable[[Path], object]) -> None:
        self.do = do

    def setup(self, trainer, pl_module, stage: str) -> None:
        self.do(Path(pl_module.config.data.train).parent)


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def clear(folder: Path) -> None:
    for path in (folder / "cache" / "features").glob("*"):
        path.unlink()


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize(
    ("do", "place", "message"),
    [
        (lambda folder: (folder / "set" / "s01_3.wav").unlink(), "none", r"^\S+/set/s01_3\.wav: no such file"),
        (lambda folder: cut(folder / "set" / "landmarks.ark"), "none", r"^s01_3: its landmarks .*/landmarks\.ark:"),
        (clear, "disk", r"^\S+/cache/features/\w+\.safetensors: gone or damaged; the same command makes it anew"),
    ],
)
@pytest.mark.usefixtures("cache")
def test_what_cannot_be_read_is_one_line_with_and_without_workers(corpus, tmp_path, workers, do, place, message):
    config = corpus_config(corpus, training={"workers": workers, "cache": place, "max_epochs": 1})
    config.data.train = str(make_datadir(tmp_path / "set", [f"s01_{number}" for number in range(5)]))
    with pytest.raises(AvsiError, match=message) as raised:
        train(config, tmp_path / "run", progress=False, callbacks=[Damage(do)])
    assert "\n" not in str(raised.value)


def test_a_loading_process_that_is_killed_is_told(corpus, tmp_path, monkeypatch):
    # How often PyTorch looks whether a process is there, in seconds.
    monkeypatch.setattr(_MultiProcessingDataLoaderIter._try_get_data, "__defaults__", (0.1,))
    monkeypatch.setattr(Utterance, "load_landmarks", lambda _: os.kill(os.getpid(), signal.SIGKILL))
    config = corpus_config(corpus, training={"workers": 1, "cache": "none", "max_epochs": 1})
    with pytest.raises(AvsiError, match=r"^a process that loads the data was lost; .*training\.workers"):
        train(config, tmp_path / "run", progress=False)
