"""Which files of a folder are recordings, and what a later run leaves of an earlier one's."""

import os

import numpy as np
from conftest import RATE
from recordings import lines, prepared, run, say

from data_prep.recordings import journal


def test_a_folder_that_links_lead_to_again_is_searched_once(tmp_path):
    root = tmp_path / "in"
    say(root / "bert" / "b.wav")
    say(tmp_path / "elsewhere" / "c.wav")
    (root / "anna").mkdir()
    (root / "anna" / "loop").symlink_to(root)
    (root / "anna" / "other").symlink_to(root / "bert")
    (root / "cleo").symlink_to(tmp_path / "elsewhere")
    assert list(prepared(root, tmp_path / "out")) == ["bert_b-0001", "cleo_c-0001"]
    again = "is searched under another name already"
    assert lines(tmp_path / "out" / "train" / "notes") == {"anna/loop": again, "anna/other": again}


def test_names_that_cannot_stand_in_a_list_are_left_out_with_the_reason(tmp_path):
    root = tmp_path / "in"
    good = say(root / "anna" / "a.wav")
    for name in (b"latin\xfc.wav", b"latin\xfc.flac", b"latin\xfc.trans.txt", b"two\nlines.mpg", b"two\nlines.wav"):
        (root / "anna" / os.fsdecode(name)).write_bytes(good.read_bytes())
    assert list(prepared(root, tmp_path / "out", "--max-left-out", 0.7)) == ["anna_a-0001"]
    encoding, line_break = "its name is not in UTF-8; rename it", "its name holds a line break; rename it"
    assert lines(tmp_path / "out" / "train" / "left_out") == {
        "anna/latin\\udcfc.wav": encoding,
        "anna/two\\x0alines.wav": line_break,
    }
    assert lines(tmp_path / "out" / "train" / "notes") == {
        "anna/latin\\udcfc.flac": "there is anna/latin\\udcfc.wav too; that one is used",
        "anna/latin\\udcfc.trans.txt": encoding,
    }


def test_a_refused_run_leaves_what_is_there(tmp_path):
    root, out = tmp_path / "in", tmp_path / "out"
    say(root / "anna" / "a.wav", rate=8000)
    say(root / "anna" / "mute.wav", np.zeros(3 * RATE))
    [before] = prepared(root, out, "--max-left-out", 0.5).values()
    # The journal is of what was prepared last, whether it was taken or refused.
    there = {path: path.read_bytes() for path in out.rglob("*") if path.is_file() and path.name != journal.NAME}
    say(root / "anna" / "a.wav", 1)
    (root / "anna" / "mute.wav").unlink()
    for name in "bcd":
        say(root / "anna" / f"{name}.wav", np.zeros(3 * RATE))
    result = run(root, out, "--max-left-out", 0.5)
    refused = out / "train" / "refused"
    assert f"3 of 4 recordings cannot be used, more than --max-left-out 0.5; {refused / 'left_out'}" in str(
        result.exception
    )
    assert {path: path.read_bytes() for path in there} == there
    assert list(lines(refused / "left_out")) == ["anna_b", "anna_c", "anna_d"]
    [after] = prepared(root, out, "--max-left-out", 0.9).values()
    assert after.id == before.id and after.wav != before.wav and not refused.exists()
    assert list(lines(out / "train" / "left_out")) == ["anna_b", "anna_c", "anna_d"]


def test_a_second_run_finds_the_same_also_with_its_results_inside(tmp_path):
    say(tmp_path / "in" / "anna" / "a.wav")
    first = prepared(tmp_path / "in", tmp_path / "in" / "data")
    assert prepared(tmp_path / "in", tmp_path / "in" / "data") == first
    assert "is the folder of the recordings" in str(run(tmp_path / "in", tmp_path / "in").exception)
