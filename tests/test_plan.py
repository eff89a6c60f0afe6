"""What more hours of recordings take, by what a few take."""

import re

import numpy as np
import pytest
from conftest import run_app

from avsi.data.datadir import Utterance
from avsi.errors import DataError
from evaluation import plan
from evaluation.measurements.stages import Stage, per_hour


def test_hours_and_disk_go_with_the_corpus_and_the_machines(monkeypatch, tmp_path):
    measured = [
        Stage("landmarks", 900.0, 2e9),
        Stage("training, 10 epochs", 3600.0),
        Stage("statistics", 1.0, 1e3),
        Stage("training, 5 x 40", 3600.0, hours=2.0),
    ]
    monkeypatch.setattr(plan, "read_datadir", lambda _: [type("U", (), {"video": "a.mp4"})()] * 9)
    monkeypatch.setattr(plan, "measure", lambda *_: measured)
    told = run_app(plan.app, tmp_path, "--hours", "8", "--hosts", "2", "--cores", "4")
    lines = told[told.index("stage ") :].splitlines()
    assert [re.split(r"  +", line) for line in lines[:6]] == [
        ["stage", "hours on one core", "hours on 2 x 4 cores", "disk, GB"],
        ["landmarks", "2.0", "0.25", "16.0"],
        ["training, 10 epochs", "8.0", "1.0", "-"],
        ["statistics", "< 0.01", "< 0.01", "< 0.01"],
        ["training, 5 x 40", "2.0", "0.25", "-"],  # whatever the corpus
        ["together", "12.0", "1.5", "16.0"],
    ]


@pytest.mark.parametrize("each_s", [1e-4, 0.05, 3.0])
def test_what_an_hour_takes_is_found_beside_the_start_of_a_program_however_little_it_is(each_s):
    utterances = [Utterance(f"s01_{number}", "s01", "a.wav", 2.0 + number % 2) for number in range(8)]
    rng, counts = np.random.default_rng(0), []

    def took_s(count: int) -> float:
        counts.append(count)
        return 4.0 + rng.uniform(-0.2, 0.2) + each_s * count

    assert per_hour(utterances, took_s) == pytest.approx(each_s * 3600 / 2.5, rel=0.25)
    assert each_s * max(counts) < 32  # it does not go on for long beyond what is enough


def test_too_few_films_are_told(corpus):
    with pytest.raises(DataError, match="has 0 utterances with a video; expected 8 or more"):
        run_app(plan.app, corpus / "train", "--hours", "8")
