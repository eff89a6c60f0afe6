"""What more hours of recordings take, by what a few take."""

import pytest
from conftest import run_app

from avsi.errors import DataError
from evaluation import plan
from evaluation.measurements.stages import Stage


def test_hours_and_disk_go_with_the_corpus_and_the_machines(monkeypatch, tmp_path):
    measured = [Stage("landmarks", 900.0, 2e9), Stage("training, an epoch", 360.0, times=10)]
    monkeypatch.setattr(plan, "read_datadir", lambda _: [type("U", (), {"video": "a.mp4"})()] * 9)
    monkeypatch.setattr(plan, "measure", lambda *_: measured)
    lines = run_app(plan.app, tmp_path, "--hours", "8", "--hosts", "2", "--cores", "4").splitlines()
    assert [line.split()[-3:] for line in lines if line.startswith(("landmarks", "training", "together"))] == [
        ["2.0", "0.25", "16.00"],
        ["8.0", "1.00", "0.00"],
        ["10.0", "1.25", "16.00"],
    ]
    assert "training, an epoch, 10 times" in "".join(lines)


def test_too_few_films_are_told(corpus):
    with pytest.raises(DataError, match="has 0 utterances with a video; expected 8 or more"):
        run_app(plan.app, corpus / "train", "--hours", "8")
