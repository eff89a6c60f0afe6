"""Any folder of recordings, or any Kaldi data directory, as data directories of utterances."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import RATE, speech, write_video
from recordings import lines, prepared, run, say, voice

from avsi.data.datadir import corpus_of, read_datadir
from avsi.errors import DataError
from avsi.media.sound_reading import open_sound
from data_prep.recordings.names import name_speakers, recording_id, safe
from data_prep.recordings.transcripts import fitting, words_of

# Ids and speakers


def test_a_short_sound_in_a_long_pause_is_left_out_with_the_reason(tmp_path):
    say(tmp_path / "in" / "anna" / "talk.wav", voice((1, 4), (8, 8.12), duration_s=12.0))
    assert list(prepared(tmp_path / "in", tmp_path / "out", "--max-left-out", 0.5)) == ["anna_talk-0001"]
    assert lines(tmp_path / "out" / "train" / "left_out") == {
        "anna_talk-0002": "is almost silent: only 0.12 of its 1.50 s sound"
    }


def test_what_is_cut_is_the_recordings_own_sound(tmp_path):
    samples = voice((1, 4), (4.4, 7.5), duration_s=8.0)
    say(tmp_path / "in" / "anna" / "talk.flac", np.stack([samples, samples], axis=1))
    utterances = prepared(tmp_path / "in", tmp_path / "out")
    assert list(utterances) == ["anna_talk-0001", "anna_talk-0002"]
    for id_, (start_s, stop_s) in zip(utterances, [(0.75, 4.2), (4.2, 7.75)], strict=True):
        sound, rate = soundfile.read(utterances[id_].wav)
        assert rate == RATE and utterances[id_].duration_s == len(sound) / RATE
        assert np.allclose(sound, samples[round(start_s * RATE) : round(stop_s * RATE)], rtol=0, atol=1e-4)
    assert {u.speaker for u in utterances.values()} == {"anna"}
    assert corpus_of(tmp_path / "out" / "train") == "in"


@pytest.mark.parametrize(
    ("file", "options", "id_"),
    [
        ("anna/a.wav", [], "anna_a-0001"),
        ("anna/day 1/a_b.wav", [], "anna_day-1-a-b-0001"),
        ("Ann_a (2)/x.wav", [], "Ann-a--2_x-0001"),
        ("p225/p225_003.wav", [], "p225_003-0001"),
        ("flat/103-1240-0000.wav", ["--speaker-from", "name"], "103_flat-1240-0000-0001"),
        ("p225_003.wav", ["--speaker-from", "name"], "p225_003-0001"),
        ("anna/a.wav", ["--id-prefix", "x-"], "x-anna_a-0001"),
        ("anna/Übung.wav", [], "anna_Übung-0001"),
    ],
)
def test_ids_begin_with_the_speaker_and_name_the_recording(tmp_path, file, options, id_):
    say(tmp_path / "in" / file)
    [utterance] = prepared(tmp_path / "in", tmp_path / "out", *options).values()
    assert utterance.id == id_ and utterance.speaker == id_.split("_")[0]


def test_numbers_of_speakers_are_as_long_as_each_other_so_that_they_sort():
    assert name_speakers(["s1", "s10", "s2"]) == {"s1": "s01", "s10": "s10", "s2": "s02"}
    assert name_speakers(["7-a12", "11-a3", "anna"], "x-") == {
        "11-a3": "x-11-a03",
        "7-a12": "x-07-a12",
        "anna": "x-anna",
    }
    with pytest.raises(DataError, match="speakers '01' and '1' would both be called 01"):
        name_speakers(["1", "01"])
    with pytest.raises(DataError, match="speakers 'a b' and 'a-b' would both be called a-b"):
        name_speakers(["a-b", "a b"])
    with pytest.raises(DataError, match="speakers 'a' and 'a-b': their ids would not sort as they do"):
        name_speakers(["a", "a-b"])


def test_nothing_but_letters_digits_and_two_signs_is_in_a_name():
    assert (safe("a_b/c d.e"), safe("../.."), safe("王_芳"), safe("--")) == ("a-b-c-d.e", "", "王-芳", "")
    assert recording_id("s01", "s1", ["s1", "s1"]) == "s01_s1"
    assert recording_id("s01", "s1", ["x", "??"]) == "s01_x"
    assert recording_id("s01", "s1", ["??"]) == "s01_0"


def test_speakers_from_a_table(tmp_path):
    for name in ("talks/1.wav", "talks/two words.wav", "talks/deep/3.wav", "4.wav"):
        say(tmp_path / "in" / name)
    table = tmp_path / "table"
    table.write_text("# who\ntalks anna\ntalks/two words.wav bert\ntalks/deep/3\tCleo B\n. dora\nnone.wav emil\n")
    utterances = prepared(tmp_path / "in", tmp_path / "out", "--speakers", table)
    assert list(utterances) == [
        "Cleo-B_talks-deep-3-0001",
        "anna_talks-1-0001",
        "bert_talks-two-words-0001",
        "dora_4-0001",
    ]
    assert lines(tmp_path / "out" / "train" / "notes") == {"table": "1 of its lines name no recording: none.wav"}


def test_a_recording_without_a_speaker_is_left_out(tmp_path):
    say(tmp_path / "in" / "a.wav")
    say(tmp_path / "in" / "anna" / "b.wav")
    result = run(tmp_path / "in", tmp_path / "out")
    assert "1 of 2 recordings cannot be used, more than --max-left-out 0.05" in str(result.exception)
    assert not (tmp_path / "out" / "train" / "wav.scp").exists()
    prepared(tmp_path / "in", tmp_path / "out", "--max-left-out", 0.5)
    assert lines(tmp_path / "out" / "train" / "left_out")["a.wav"].startswith("lies in no folder below the root")
    result = run(tmp_path / "in", tmp_path / "out", "--speaker-from", "name")
    assert "2 of 2 recordings cannot be used" in str(result.exception)
    assert "has no '-' or '_'" in lines(tmp_path / "out" / "train" / "refused" / "left_out")["a.wav"]


def test_two_recordings_of_one_id_are_both_named(tmp_path):
    say(tmp_path / "in" / "anna" / "a b.wav")
    say(tmp_path / "in" / "anna" / "a-b.wav")
    message = str(run(tmp_path / "in", tmp_path / "out").exception)
    assert "a b.wav and " in message and message.endswith("a-b.wav: both would have the id anna_a-b; rename one")


# Transcripts


def test_words_are_in_lower_case_without_punctuation():
    assert words_of("Don't -- say: “Twenty-one”, O\N{RIGHT SINGLE QUOTATION MARK}Neil_s 'tis!") == (
        *("don't", "say", "twenty", "one", "o'neil", "s", "tis"),
    )


def test_a_transcript_that_cannot_fit_is_not_used():
    assert fitting(("a" * 60,), 2.0) == (("a" * 60,), "")
    assert fitting(("a" * 61,), 2.0) == ((), "transcript not used: 61 characters in 2.00 s of sound")


def test_transcripts_beside_recordings_in_lists_and_in_a_table(tmp_path):
    root = tmp_path / "in"
    for name in ("beside", "listed", "of-a-table", "none", "lrs", "latin", "quick"):
        say(root / "anna" / f"{name}.wav")
    say(root / "anna" / "long.wav", voice((0, 4), (4.4, 8), duration_s=8.0))
    (root / "anna" / "beside.txt").write_text("Hello,\nyou!\n")
    (root / "anna" / "long.txt").write_text("this is long")
    (root / "anna" / "lrs.txt").write_text("Text:  SO IT IS\nConf:  3\n")
    (root / "anna" / "latin.txt").write_bytes(b"gepr\xfcft")
    (root / "anna" / "quick.txt").write_text("so many words " * 20)
    (root / "anna" / "anna.trans.txt").write_text("listed AS LISTED\nlost NO SUCH FILE\n")
    (tmp_path / "table").write_text("of-a-table From a TABLE\nanna/gone.wav no such file\n")
    utterances = prepared(root, tmp_path / "out", "--transcripts", tmp_path / "table")
    assert {id_.split("_")[1]: " ".join(utterance.words) for id_, utterance in utterances.items()} == {
        "beside-0001": "hello you",
        "latin-0001": "",
        "listed-0001": "as listed",
        "long-0001": "",
        "long-0002": "",
        "lrs-0001": "so it is",
        "none-0001": "",
        "of-a-table-0001": "from a table",
        "quick-0001": "",
    }
    notes = lines(tmp_path / "out" / "train" / "notes")
    assert notes.pop("anna_latin").startswith("transcript not used: ")
    assert notes == {
        "anna_long": "transcript not used: it cannot be divided among 2 utterances",
        "anna_quick": "transcript not used: 279 characters in 2.98 s of sound",
        "anna.trans.txt": "1 of its lines name no recording: lost",
        "table": "1 of its lines name no recording: anna/gone.wav",
    }


@pytest.mark.parametrize(
    ("option", "text", "message"),
    [
        ("--speakers", "anna/a.wav\n", "table:1: expected '<file or folder> <speaker>', found 'anna/a.wav'"),
        ("--transcripts", "\nanna/a.wav\t \n", "table:2: expected '<file or folder> <words>', found 'anna/a.wav'"),
        ("--late", "anna/a.wav soon\n", "table:1: expected '<file or folder> <milliseconds>', found 'soon'"),
        ("--late", "anna nan\n", "table:1: expected '<file or folder> <milliseconds>', found 'nan'"),
        ("--late", "anna 10\nanna 20\n", "table:2: 'anna' is named in line 1 already"),
    ],
)
def test_a_wrong_line_of_a_table_is_named(tmp_path, option, text, message):
    say(tmp_path / "in" / "anna" / "a.wav")
    (tmp_path / "table").write_text(text)
    result = run(tmp_path / "in", tmp_path / "out", option, tmp_path / "table")
    assert isinstance(result.exception, DataError) and message in str(result.exception)
    assert not (tmp_path / "out").exists()


# Splits


def test_whole_speakers_are_held_out(tmp_path):
    for speaker in "abcd":
        for n in range(2):
            say(tmp_path / "in" / speaker / f"{n}.wav", n)
    result = run(tmp_path / "in", tmp_path / "out", "--split", "speaker-independent")
    assert result.exit_code == 0, result.output
    sets = {name: {u.speaker for u in read_datadir(tmp_path / "out" / name)} for name in ("train", "valid", "test")}
    assert {name: len(of) for name, of in sets.items()} == {"train": 2, "valid": 1, "test": 1}
    assert set.union(*sets.values()) == set("abcd")


def test_too_few_speakers_are_told_before_anything_is_written(tmp_path):
    for speaker in "ab":
        say(tmp_path / "in" / speaker / "1.wav")
    result = run(tmp_path / "in", tmp_path / "out", "--split", "speaker-independent")
    assert "leaves train empty with the speakers found (a, b)" in str(result.exception)
    assert not (tmp_path / "out").exists()


def test_speakers_lost_in_preparation_are_named_where_a_set_is_empty(tmp_path):
    for speaker, samples in (("a", np.zeros(3 * RATE)), ("b", 0), ("c", 1)):
        say(tmp_path / "in" / speaker / "1.wav", samples)
    (tmp_path / "split").write_text("a test\nb train\nc valid\n")
    options = ("--split", tmp_path / "split", "--max-left-out", 0.5)
    message = str(run(tmp_path / "in", tmp_path / "out", *options).exception)
    left_out = tmp_path / "out" / "left_out"
    assert f"leaves test empty with the speakers found (b, c); nothing of a can be used: see {left_out}" in message
    assert lines(left_out) == {"a_1": "is silent for all of its 3.00 s"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a train\nb valid\nc_1 test\nc_2 train\n", "split: speaker c is in two sets: c_1 in test, c_2 in train"),
        ("a train\nb valid\nc_1 test\n", "split: speaker c is in two sets: c_1 in test, c_2 in none"),
        ("a train\nb valid\nd test\n", "split:3: no speaker or clip 'd' was found"),
        ("a train\nb valid\n", "leaves test empty"),
    ],
)
def test_a_split_file_puts_no_speaker_into_two_sets(tmp_path, text, message):
    for speaker in "abc":
        for n in (1, 2):
            say(tmp_path / "in" / speaker / f"{n}.wav")
    (tmp_path / "split").write_text(text)
    result = run(tmp_path / "in", tmp_path / "out", "--split", tmp_path / "split")
    assert isinstance(result.exception, DataError) and message in str(result.exception)
    (tmp_path / "split").write_text("a train\nb valid\nc_1 test\nc_2 test\n")
    assert run(tmp_path / "in", tmp_path / "out", "--split", tmp_path / "split").exit_code == 0
    assert [u.id for u in read_datadir(tmp_path / "out" / "test")] == ["c_1-0001", "c_2-0001"]


def test_a_single_set_is_checked_against_the_others_of_its_folder(tmp_path):
    say(tmp_path / "one" / "anna" / "a.wav")
    say(tmp_path / "two" / "anna" / "b.wav")
    prepared(tmp_path / "one", tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["train"]
    result = run(tmp_path / "two", tmp_path / "out", "--split", "test")
    assert "train: speaker anna is in it, and would be in test too" in str(result.exception)
    assert run(tmp_path / "two", tmp_path / "out", "--split", "test", "--id-prefix", "two-").exit_code == 0
    assert [u.id for u in read_datadir(tmp_path / "out" / "test")] == ["two-anna_b-0001"]


def test_a_speaker_is_the_same_with_other_zeros_before_its_number(tmp_path):
    for name in ("one/1", "one/2", "two/1", "two/10", "three/3", "three/30"):
        say(tmp_path / name / "a.wav")
    assert list(prepared(tmp_path / "one", tmp_path / "out")) == ["1_a-0001", "2_a-0001"]
    result = run(tmp_path / "two", tmp_path / "out", "--split", "test")
    assert isinstance(result.exception, DataError)
    assert "train: speaker 1 is in it, and would be in test too" in str(result.exception)
    assert run(tmp_path / "three", tmp_path / "out", "--split", "test").exit_code == 0


# Bad recordings


def test_recordings_that_cannot_be_used_are_left_out_with_the_reason(tmp_path):
    folder = tmp_path / "in" / "anna"
    whole = say(folder / "good.flac").read_bytes()
    (folder / "cut.flac").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.wav").touch()
    (folder / "text.mp3").write_text("no sound " * 100)
    say(folder / "silent.wav", np.zeros(3 * RATE))
    say(folder / "short.wav", speech(0)[:8000])
    write_video(folder / "mute.mpg", None, n_frames=5)
    (folder / ".hidden.wav").touch()
    result = run(tmp_path / "in", tmp_path / "out")
    assert "6 of 7 recordings cannot be used, more than --max-left-out 0.05" in str(result.exception)
    assert not (tmp_path / "out" / "train" / "wav.scp").exists()
    assert list(prepared(tmp_path / "in", tmp_path / "out", "--max-left-out", 0.9)) == ["anna_good-0001"]
    reasons = lines(tmp_path / "out" / "train" / "left_out")
    assert sorted(reasons) == [f"anna_{name}" for name in ("cut", "empty", "mute", "short", "silent", "text")]
    assert reasons["anna_cut"].endswith("cut.flac: cannot be read (Error : flac decoder lost sync.)")
    assert reasons["anna_empty"].endswith("empty.wav: the file is empty (0 bytes)")
    assert reasons["anna_mute"].endswith("mute.mpg: has no sound track")
    assert reasons["anna_short"] == "lasts 0.500 s, less than --min-s 1.5"
    assert reasons["anna_silent"] == "is silent for all of its 3.00 s"
    assert "text.mp3: not a sound or video file" in reasons["anna_text"]


def test_a_wav_file_that_was_cut_short_is_used_with_a_note(tmp_path):
    path = say(tmp_path / "in" / "anna" / "a.wav", speech(0, duration_s=5.0))
    path.write_bytes(path.read_bytes()[: 44 + 2 * 3 * RATE])
    [utterance] = prepared(tmp_path / "in", tmp_path / "out").values()
    assert utterance.duration_s <= 3.0
    assert lines(tmp_path / "out" / "train" / "notes") == {
        "anna_a": f"{path} is cut short: its header says 160044 bytes, it has 96044; what is there is used"
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--speaker-from", "face"], "--speaker-from face: expected folder or name"),
        (["--id-prefix", "a_"], "--id-prefix 'a_': expected letters, digits and '-'"),
        (["--min-s", 4], "--min-s 4 and --max-s 6: expected seconds, the first at least 0.1, the second"),
        (["--min-s", 0.001], "--min-s 0.001 and --max-s 6: expected seconds, the first at least 0.1, the second"),
        (["--split", "papper"], "split 'papper': neither 'speaker-independent', 'speaker-dependent', 'train'"),
        (["--speakers", "none"], "none: no such file; expected lines '<file or folder> <speaker>'"),
    ],
)
def test_wrong_options_are_one_line_and_nothing_is_written(tmp_path, options, message):
    say(tmp_path / "in" / "anna" / "a.wav")
    result = run(tmp_path / "in", tmp_path / "out", *options)
    assert message in str(result.exception) and not (tmp_path / "out").exists()


# Faces


def test_a_cut_of_a_video_knows_where_in_it_it_begins(tmp_path):
    samples = voice((1, 4), (4.4, 7.5), duration_s=8.0, rate=44100)
    (tmp_path / "in" / "anna").mkdir(parents=True)
    video = write_video(tmp_path / "in" / "anna" / "talk.mpg", samples, n_frames=40)
    utterances = prepared(tmp_path / "in", tmp_path / "out")
    assert [u.video for u in utterances.values()] == [str(video)] * 2
    starts = [u.video_start_s for u in utterances.values()]
    assert starts == pytest.approx([0.75, 4.2], abs=0.06)
    # The clip's own sound is there where the utterance's sound says.
    with open_sound(video) as sound:
        own = sound.mono(RATE)
    for utterance in utterances.values():
        start = round(utterance.video_start_s * RATE)
        heard = soundfile.read(utterance.wav)[0]
        assert np.allclose(heard, own[start : start + len(heard)], rtol=0, atol=1e-4)


@pytest.mark.parametrize("late_ms", [200, -120, 0])
def test_what_is_heard_late_is_seen_earlier(tmp_path, late_ms):
    """A bar passes the middle of the picture at 1 s; its sound, in a file of its own, begins late."""
    (tmp_path / "in" / "anna").mkdir(parents=True)
    write_video(tmp_path / "in" / "anna" / "bar.mpg", None, n_frames=75)
    onset_s = 1.0 + late_ms / 1000
    say(tmp_path / "in" / "anna" / "bar.wav", voice((onset_s, 2.8), duration_s=3.0))
    (tmp_path / "late").write_text(f"anna/bar.mpg {late_ms}\n")
    [utterance] = prepared(tmp_path / "in", tmp_path / "out", "--late", tmp_path / "late").values()
    heard = soundfile.read(utterance.wav)[0]
    begins_s = np.flatnonzero(np.abs(heard) > 0.02)[0] / RATE
    assert begins_s + utterance.video_start_s == pytest.approx(1.0, abs=0.01)


def test_sound_of_its_own_goes_before_the_videos_and_a_video_without_picture_is_none(tmp_path):
    folder = tmp_path / "in" / "anna"
    say(folder / "a.wav", voice((0, 3), duration_s=3.0))
    say(folder / "a.flac", voice((0, 2), duration_s=2.0))
    write_video(folder / "a.mpg", None, n_frames=5)
    write_video(folder / "b.mkv", speech(0, rate=44100), n_frames=None)
    say(folder / "c.wav")
    (folder / "c.mp4").write_bytes(b"no film" * 100)
    utterances = prepared(tmp_path / "in", tmp_path / "out")
    assert {u.id: (u.video and Path(u.video).name) for u in utterances.values()} == {
        "anna_a-0001": "a.mpg",
        "anna_b-0001": None,
        "anna_c-0001": None,
    }
    assert utterances["anna_a-0001"].duration_s == 3.0
    notes = lines(tmp_path / "out" / "train" / "notes")
    assert notes["anna/a.flac"] == "there is anna/a.wav too; that one is used"
    assert notes["anna_b"].endswith("b.mkv has no picture; only its sound is used")
    assert notes["anna_c"].startswith("video not used: ")
