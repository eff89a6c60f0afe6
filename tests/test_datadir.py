import pytest
from conftest import make_datadir

from avsi.data.datadir import Utterance, fix_datadir, read_datadir, write_datadir
from avsi.errors import DataError


@pytest.fixture
def folder(tmp_path):
    return make_datadir(tmp_path / "set", ["s02_b", "s01_a", "s02_a"])


def test_files_are_sorted_and_one_to_one(folder):
    assert [line.split()[0] for line in (folder / "wav.scp").read_text().splitlines()] == ["s01_a", "s02_a", "s02_b"]
    assert (folder / "spk2utt").read_text() == "s01 s01_a\ns02 s02_a s02_b\n"
    assert (folder / "utt2spk").read_text() == "s01_a s01\ns02_a s02\ns02_b s02\n"


def test_what_is_written_is_read(tmp_path):
    utterances = [
        Utterance(
            "s01_a",
            "s01",
            "/x/a file.wav",
            2.978,
            ("bin", "blue"),
            "/x/a.mpg",
            ((0.5, 0.25, "bin"), (0.75, 0.2, "blue")),
        ),
        Utterance("s01_b", "s01", "/x/b.wav", 3.0),
        Utterance("s01_c", "s01", "/x/c.wav", 3.0, video="/x/long.mp4", video_start_s=61.375),
        Utterance("s01_d", "s01", "/x/d.wav", 3.0, video="/x/d.mp4", video_start_s=-0.04),
    ]
    write_datadir(tmp_path / "set", utterances[::-1])
    assert read_datadir(tmp_path / "set") == utterances


def test_each_file_is_read_once(folder, monkeypatch):
    from avsi.data import datadir

    names, read_lines = [], datadir.read_lines
    monkeypatch.setattr(datadir, "read_lines", lambda path: names.append(path.name) or read_lines(path))
    read_datadir(folder)
    assert sorted(names) == sorted([*datadir.COMPLETE, "landmarks.scp", "spk2utt", "align"])


def test_two_utterances_of_one_id_and_none_at_all_are_refused(tmp_path):
    with pytest.raises(DataError, match="s01_a occurs twice"):
        write_datadir(tmp_path / "set", [Utterance("s01_a", "s01", "a.wav", 1.0)] * 2)
    with pytest.raises(DataError, match="no utterances"):
        write_datadir(tmp_path / "set", [])


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("wav.scp", lambda t: "\n".join(t.splitlines()[::-1]), r"wav\.scp:2: s02_a is out of order"),
        ("text", lambda t: t.replace("s02_a", "s02_c"), r"text:3: s02_b is out of order|text:2: found s02_c"),
        ("text", lambda t: t.splitlines()[0] + "\n", r"text: has 1 lines where wav\.scp has 3"),
        ("utt2spk", lambda t: t + t.splitlines()[-1], r"utt2spk:4: s02_b occurs twice"),
        ("spk2utt", lambda t: t.replace(" s02_b", ""), r"spk2utt: does not say what utt2spk says"),
        ("utt2dur", lambda t: t.replace("2.978", "long", 1), r"utt2dur:1: s01_a lasts 'long"),
        ("utt2dur", lambda t: t.replace("2.978000", "0", 1), r"utt2dur:1: s01_a lasts '0', expected seconds above 0"),
        ("landmarks.scp", lambda t: t + "s09_z x.ark:1\n", r"landmarks\.scp:4: s09_z is not in wav\.scp"),
        ("video_start", lambda t: "s01_a soon\n", r"video_start:1: s01_a begins at 'soon', expected seconds"),
        ("video_start", lambda t: "s01_a nan\n", r"video_start:1: s01_a begins at 'nan', expected seconds"),
        ("video_start", lambda t: "s09_a 1.5\n", r"video_start:1: s09_a is not in wav\.scp"),
        ("align", lambda t: "s01_a 0.5 bin\n", r"align:1: expected"),
        ("align", lambda t: "s01_a 0.5 0.2 bin\ns01_a 0.7 0.2 blue\ns09_z 0.5 0.2 bin\n", r"align:3: s09_z is not in"),
        ("wav.scp", lambda t: "", r"wav\.scp: is empty"),
    ],
)
def test_a_broken_line_is_named(folder, file, change, message):
    path = folder / file
    path.write_text(change(path.read_text() if path.exists() else ""))
    with pytest.raises(DataError, match=message):
        read_datadir(folder)


def test_speakers_must_sort_as_ids_do(tmp_path):
    write_datadir(tmp_path / "set", [Utterance("a_1", "s02", "a.wav", 1.0), Utterance("b_1", "s01", "b.wav", 1.0)])
    with pytest.raises(DataError, match="speakers are out of order"):
        read_datadir(tmp_path / "set")


def test_fixing_sorts_and_says_what_it_leaves_out(folder):
    for name in ("wav.scp", "utt2spk"):
        path = folder / name
        path.write_text("\n".join(path.read_text().splitlines()[::-1]) + "\n")
    text = folder / "text"
    text.write_text(text.read_text().replace("s02_a bin blue\n", ""))
    assert fix_datadir(folder) == ["s02_a not in text"]
    assert [utterance.id for utterance in read_datadir(folder)] == ["s01_a", "s02_b"]
    assert (folder / "spk2utt").read_text() == "s01 s01_a\ns02 s02_b\n"


def test_missing_landmarks_are_named(folder):
    utterance = read_datadir(folder)[0]
    assert utterance.load_landmarks().points.shape == (75, 68, 2)
    (folder / "landmarks.ark").unlink()
    with pytest.raises(DataError, match="s01_a: its landmarks cannot be read"):
        utterance.load_landmarks()
    with pytest.raises(DataError, match=r"run python -m data_prep\.landmarks"):
        Utterance("s01_a", "s01", "a.wav", 1.0).load_landmarks()


def test_a_folder_that_is_no_data_directory(tmp_path):
    with pytest.raises(DataError, match="not a data directory"):
        read_datadir(tmp_path)


def test_sets_are_put_together_with_their_gap_files_and_the_names_of_their_corpora(tmp_path):
    from typer.testing import CliRunner

    from avsi.data.datadir import corpus_of, development_of
    from avsi.data.gap_files import read_gap_file, write_gap_file
    from avsi.data.gaps import Gap
    from data_prep import combine

    for number, corpus in enumerate(("GRID", "mini-GRID seed 1", "GRID"), start=1):
        folder = tmp_path / str(number)
        write_datadir(folder, [Utterance(f"s0{number}_a", f"s0{number}", "a.wav", 1.0, ("bin",))], corpus)
        write_gap_file(folder / "gaps_random", {f"s0{number}_a": [Gap(0.1, 0.1 * (number + 1))]})
    write_gap_file(tmp_path / "1" / "gaps_100ms", {"s01_a": [Gap(0.1, 0.2)]})
    for number in (1, 3):
        (tmp_path / str(number) / "development").write_text("the loss was chosen on it\n")
    folders = [str(tmp_path / str(number)) for number in (2, 1, 3)]
    (tmp_path / "all").mkdir()
    (tmp_path / "all" / "stats.npz").write_bytes(b"of another training set")
    write_gap_file(tmp_path / "all" / "gaps_900ms", {"s09_a": [Gap(0.1, 1.0)]})
    result = CliRunner().invoke(combine.app, [str(tmp_path / "all"), *folders], catch_exceptions=False)
    assert "3 utterances of 3 sets, gap files: gaps_random" in result.output
    assert "left out, since not all sets have them: gaps_100ms" in result.output
    assert not (tmp_path / "all" / "stats.npz").exists() and not (tmp_path / "all" / "gaps_900ms").exists()
    assert [u.id for u in read_datadir(tmp_path / "all")] == ["s01_a", "s02_a", "s03_a"]
    assert corpus_of(tmp_path / "all") == "mini-GRID seed 1 + GRID"
    assert development_of(tmp_path / "all") == "the loss was chosen on it"
    assert read_gap_file(tmp_path / "all" / "gaps_random")["s03_a"] == [Gap(0.1, 0.4)]
    write_datadir(tmp_path / "all", read_datadir(tmp_path / "1"))
    assert corpus_of(tmp_path / "all") == "mini-GRID seed 1 + GRID"  # as it was
    CliRunner().invoke(combine.app, [str(tmp_path / "all"), folders[0]], catch_exceptions=False)
    assert development_of(tmp_path / "all") == ""
    twice = CliRunner().invoke(combine.app, [str(tmp_path / "twice"), folders[0], folders[0]])
    assert "utterance s02_a occurs twice" in str(twice.exception)
    itself = CliRunner().invoke(combine.app, [folders[0], *folders])
    assert "is one of the directories to put together" in str(itself.exception)


def test_durations_are_kept_to_the_sample(tmp_path):
    """Gaps and frames are counted from them."""
    durations_s = [n_samples / rate for n_samples, rate in ((47647, 16000), (131313, 44100), (7, 16000))]
    write_datadir(tmp_path / "set", [Utterance(f"s01_{n}", "s01", "a.wav", d) for n, d in enumerate(durations_s)])
    assert [u.duration_s for u in read_datadir(tmp_path / "set")] == pytest.approx(durations_s, abs=1e-6)


def test_a_reader_never_meets_half_of_a_file(tmp_path):
    from avsi.files import write_text

    path = tmp_path / "text"
    write_text(path, "as it was\n")
    with path.open() as reader:
        write_text(path, "as it is now\n")
        assert reader.read() == "as it was\n"
    assert path.read_text() == "as it is now\n" and list(tmp_path.iterdir()) == [path]


def test_where_utterances_begin_in_their_videos_stays_with_them(tmp_path):
    from conftest import run_app

    from data_prep import combine, leave_out

    cuts = [
        Utterance(f"{speaker}_{n}", speaker, "a.wav", 2.0, ("bin",), "long.mp4", video_start_s=2.25 * n)
        for speaker in ("s01", "s02")
        for n in (1, 2)
    ]
    for speaker in ("s01", "s02"):
        write_datadir(tmp_path / speaker, [utterance for utterance in cuts if utterance.speaker == speaker])
    run_app(combine.app, tmp_path / "all", tmp_path / "s02", tmp_path / "s01")
    assert read_datadir(tmp_path / "all") == cuts
    run_app(leave_out.app, tmp_path / "all", tmp_path / "folds", "--fold", "s02")
    assert read_datadir(tmp_path / "folds" / "s02" / "train") == cuts[:2]
    starts = tmp_path / "all" / "video_start"
    starts.write_text("".join(reversed(starts.read_text().splitlines(keepends=True))) + "s09_1 1.0\n")
    assert fix_datadir(tmp_path / "all") == []
    assert read_datadir(tmp_path / "all") == cuts
    write_datadir(tmp_path / "all", [Utterance("s01_1", "s01", "a.wav", 2.0)])
    assert not starts.exists()
