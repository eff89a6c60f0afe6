"""How evaluation.detect measures what is found, and systems that find the gaps by themselves."""

import json
from dataclasses import replace

import numpy as np
import pytest
from conftest import RATE, make_datadir, run_app, speech

from avsi.data.datadir import read_datadir, write_datadir
from avsi.errors import ConfigError, DataError, ModelError
from evaluation import detect
from evaluation.detect import Condition, damaged, summarise
from evaluation.systems.blind import silenced

SILENCE, WHOLE = Condition("silence", "none"), Condition("undamaged", "none")


def row(condition: Condition, true, found, seconds=60.0, speaker="s01"):
    return {"speaker": speaker, "condition": str(condition), "seconds": seconds, "true": true, "found": found}


def test_figures_are_those_of_what_was_found():
    rows = [
        row(SILENCE, [(1.0, 2.0, "silence")], [(1.1, 2.0, "silence", 1.0), (5.0, 5.1, "tone", 0.8)]),
        row(SILENCE, [(3.0, 3.5, "silence")], [(3.0, 3.3, "tone", 1.0), (3.2, 3.52, "click", 1.0)]),
        row(SILENCE, [(4.0, 4.5, "silence")], []),
        row(WHOLE, [], [(1.0, 1.2, "noise", 0.9), (1.1, 1.3, "level", 0.9)]),
        row(WHOLE, [], [], seconds=120.0),
    ]
    found = summarise(rows, [SILENCE, WHOLE])
    one = found["silence"]
    assert (one["stretches"], one["found"], one["right_kind"]) == (3, 3, 0.5)
    assert one["event_f1"][0] == pytest.approx(2 * 2 / (3 + 3), abs=1e-3)
    assert one["edge_error_ms"] == pytest.approx(10, abs=0.01)  # of 100, 0, 0 and 20
    assert found["undamaged"]["false_alarms"][0] == pytest.approx(1 / 0.3, abs=1e-3)
    assert found["undamaged"]["minutes"] == 3.0


def test_a_seed_makes_the_same_damage_and_another_one_other_damage(tmp_path):
    [utterance] = read_datadir(make_datadir(tmp_path / "data", ["s01_a"]))
    one, again, other = (damaged(utterance, SILENCE, 2, seed, {}) for seed in (0, 0, 1))
    assert np.array_equal(one[0], again[0]) and one[1] == again[1] != other[1]
    assert len(one[1]) == 2
    whole, nothing = damaged(utterance, WHOLE, 2, 0, {})
    assert nothing == [] and np.allclose(whole, speech(0), atol=1e-3)


def test_the_program_finds_silences_by_rules(tmp_path):
    folder = make_datadir(tmp_path / "data", ["s01_a", "s01_b", "s02_a"])
    run_app(detect.app, folder, "--out", tmp_path / "out", "--kind", "silence", "--tagger", "none", "--jobs", 1)
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["of"]["silence"]["stretches"] == 3 and summary["tagger"] == "none"
    rows = [json.loads(line) for line in (tmp_path / "out" / "rows.jsonl").read_text().splitlines()]
    assert [row["condition"] for row in rows] == ["silence"] * 3 + ["undamaged"] * 3 + ["gated"] * 3
    matched = [each for each in rows[:3] if any(abs(each["true"][0][0] - one[0]) < 0.01 for one in each["found"])]
    assert len(matched) >= 2


@pytest.mark.parametrize(
    ("arguments", "error", "told"),
    [
        (("--kind", "rust"), ConfigError, "'rust': expected one of silence, "),
        (("--codec", "wav"), ConfigError, "'wav': expected one of none, mp3"),
        (("--face",), DataError, "no utterance has landmarks"),
        (("--tagger", "nobody"), ModelError, "nobody: neither a folder with a trained model nor a pretrained one"),
    ],
)
def test_what_cannot_be_measured_is_told_first(tmp_path, arguments, error, told):
    folder = make_datadir(tmp_path / "data", ["s01_a"])
    write_datadir(folder, [replace(each, landmarks=None) for each in read_datadir(folder)])
    with pytest.raises(error, match=told):
        run_app(detect.app, folder, "--out", tmp_path / "out", *arguments)
    assert not (tmp_path / "out").exists()


def test_a_gap_that_has_to_be_found_is_silent():
    samples = speech(0)
    damaged_samples = silenced(samples, [(16000, 20000)])
    assert not damaged_samples[16000:20000].any()
    assert np.array_equal(np.delete(damaged_samples, range(16000, 20000)), np.delete(samples, range(16000, 20000)))
    assert RATE == 16000
