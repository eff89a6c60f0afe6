"""Sets that leave some speakers out, with copies in other voices."""

import pytest
from conftest import run_app

from avsi.data.datadir import Utterance, corpus_of, read_datadir, write_datadir
from avsi.errors import ConfigError, DataError
from data_prep import leave_out

IDS = ["s01_a", "s01_a-v1", "s01_b", "s02_a", "s02_a-v1", "s02_a-v2", "s03_a", "s03_odd-v1", "s04_a", "s04_a-v1"]


@pytest.fixture
def voices(tmp_path):
    utterances = [Utterance(id_, id_.split("_")[0], f"{id_}.wav", 1.0, ("bin",)) for id_ in IDS]
    write_datadir(tmp_path / "voices", utterances, "GRID", "whole-speakers")
    return tmp_path / "voices"


def ids(folder) -> list[str]:
    return [utterance.id for utterance in read_datadir(folder)]


def test_a_fold_is_in_no_voice_among_those_that_are_trained_on(voices, tmp_path):
    out = tmp_path / "folds"
    printed = run_app(leave_out.app, voices, out, "--fold", "s02", "--fold", "both=s03 s04")
    assert sorted(path.name for path in out.iterdir()) == ["always", "both", "s02"]
    others = ["s03_a", "s03_odd-v1", "s04_a", "s04_a-v1"]
    assert ids(out / "s02" / "train") == ["s01_a", "s01_a-v1", "s01_b", *others]
    assert ids(out / "s02" / "test") == ["s02_a"]
    assert ids(out / "both" / "train") == ["s01_a", "s01_a-v1", "s01_b", "s02_a", "s02_a-v1", "s02_a-v2"]
    assert ids(out / "both" / "test") == ["s03_a", "s03_odd-v1", "s04_a"]  # there is no s03_odd that it were a copy of
    assert ids(out / "always" / "train") == ["s01_a", "s01_a-v1", "s01_b"]
    assert corpus_of(out / "s02" / "train") == "GRID" and "both/test" in printed


def test_every_speaker_in_turn(voices, tmp_path):
    run_app(leave_out.app, voices, tmp_path / "folds", "--each-speaker")
    assert sorted(path.name for path in (tmp_path / "folds").iterdir()) == ["s01", "s02", "s03", "s04"]
    for speaker in ("s01", "s02", "s03", "s04"):
        train = ids(tmp_path / "folds" / speaker / "train")
        assert train == [id_ for id_ in IDS if not id_.startswith(speaker)]


@pytest.mark.parametrize(
    ("folds", "why"),
    [
        (["s05"], "fold 's05': no speaker s05; there are s01, s02, s03, s04"),
        (["s02", "x=s03 s02"], "fold 'x=s03 s02': s02 is in fold 's02' already"),
        (["x=s02", "x=s03"], "there is a fold of that name already"),
        (["always=s02"], "and not .always., which is taken"),
        (["a/b=s02"], "of letters, digits and"),
        ([" "], "expected speakers"),
        ([], "by --fold, or all in turn by --each-speaker"),
    ],
)
def test_folds_that_cannot_be(voices, tmp_path, folds, why):
    with pytest.raises(ConfigError, match=why):
        run_app(leave_out.app, voices, tmp_path / "out", *(option for fold in folds for option in ("--fold", fold)))
    assert not (tmp_path / "out").exists()


def test_no_speaker_of_a_fold_may_choose_the_epoch(voices, tmp_path):
    write_datadir(tmp_path / "valid", [Utterance("s01_c", "s01", "s01_c.wav", 1.0, ("bin",))])
    options = (tmp_path / "out", "--valid", tmp_path / "valid")
    with pytest.raises(
        ConfigError, match=r"fold 'x': s01 cannot be left out, being in .*valid, by which the epoch"
    ) as error:
        run_app(leave_out.app, voices, *options, "--fold", "s03", "--fold", "x=s01 s02")
    assert "\n" not in str(error.value) and not (tmp_path / "out").exists()
    with pytest.raises(ConfigError, match="fold 's01': s01 cannot"):
        run_app(leave_out.app, voices, *options, "--each-speaker")
    run_app(leave_out.app, voices, *options, "--fold", "s02 s03")
    assert ids(tmp_path / "out" / "s02_s03" / "test") == ["s02_a", "s03_a", "s03_odd-v1"]


def test_ids_that_do_not_name_their_speaker_are_refused(tmp_path):
    utterances = [Utterance(f"{of}{sign}a", of, "a.wav", 1.0, ("bin",)) for of, sign in (("s01", "_"), ("s02", "-"))]
    write_datadir(tmp_path / "set", utterances)
    with pytest.raises(DataError, match=r"set: s02-a does not begin with its speaker, s02, and '_'"):
        run_app(leave_out.app, tmp_path / "set", tmp_path / "out", "--fold", "s01")
    assert not (tmp_path / "out").exists()


def test_nothing_is_left_of_other_folds_and_nothing_to_train_on_is_told(voices, tmp_path):
    run_app(leave_out.app, voices, tmp_path / "out", "--fold", "s02", "--fold", "s03")
    (tmp_path / "out" / "always" / "train" / "stats.npz").write_bytes(b"of others")
    with pytest.raises(DataError, match=r"s03: a fold of an earlier run; remove it, or name another folder"):
        run_app(leave_out.app, voices, tmp_path / "out", "--fold", "s02")
    run_app(leave_out.app, voices, tmp_path / "out", "--fold", "s02", "--fold", "s03")
    assert not (tmp_path / "out" / "always" / "train" / "stats.npz").exists()
    (tmp_path / "chosen.txt").write_text("the loss was chosen on it\n")
    with pytest.raises(DataError, match=r"chosen\.txt: expected two lines: what was chosen, and the speakers"):
        run_app(leave_out.app, voices, tmp_path / "all", "--fold", "s02", "--development", tmp_path / "chosen.txt")
    with pytest.raises(DataError, match="fold 'all' leaves nothing for its train set"):
        run_app(leave_out.app, voices, tmp_path / "all", "--fold", "all=s01 s02 s03 s04")
