"""Kaldi data directories of any corpus, taken as they are."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import RATE, speech, write_video
from recordings import lines, prepared, run, say, voice
from typer.main import get_command

from avsi.data.datadir import Utterance, corpus_of, write_datadir
from avsi.errors import DataError
from data_prep.recordings.__main__ import app


def kaldi(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("_scp", ".scp")).write_text(text)
    return folder


def test_a_kaldi_directory_is_taken_as_it_is(tmp_path):
    own = say(tmp_path / "WAVE" / "1.WAV", speech(1, duration_s=9.0))
    say(tmp_path / "WAVE" / "2.wav", speech(2, duration_s=1.0, rate=8000), 8000)
    root = kaldi(
        tmp_path / "train",
        wav_scp="u1\tWAVE/1.WAV\nu2\tWAVE/2.wav\nu3 WAVE/3.wav\nu4 WAVE/1.WAV\n",
        text="u1\tWE CALL IT BEAR.\nu9\tNOBODY\n",
        utt2spk="u1 7\nu2 12\nu3 7\n",
    )
    utterances = prepared(root, tmp_path / "out", "--max-left-out", 0.5)
    assert list(utterances) == ["07_u1", "12_u2"]
    one, two = utterances.values()
    assert one == Utterance("07_u1", "07", str(own), 9.0, ("we", "call", "it", "bear"))
    assert (two.duration_s, two.words) == (1.0, ()) and soundfile.info(two.wav).samplerate == RATE
    left_out = lines(tmp_path / "out" / "train" / "left_out")
    assert left_out == {"07_u3": f"{root / 'WAVE' / '3.wav'}: no such file", "u4": "is not in utt2spk"}
    assert lines(tmp_path / "out" / "train" / "notes") == {"u9": "stands in text, but is no utterance of wav.scp"}
    assert corpus_of(tmp_path / "out" / "train") == tmp_path.name


def test_segments_of_a_kaldi_directory_are_cut_with_their_faces(tmp_path):
    samples = speech(1, duration_s=9.0)
    say(tmp_path / "set" / "1.wav", samples)
    write_video(tmp_path / "set" / "1.mpg", None, n_frames=9)
    root = kaldi(
        tmp_path / "set",
        wav_scp="r1 1.wav\n",
        video_scp="r1 1.mpg\n",
        video_start="r1 0.5\n",
        segments="anna_a r1 0.25 2.5\nanna_b r1 3 9.05\nanna_c r1 3 12\nanna_d r1 9 9.05\n",
        text="anna_a one two\nanna_b three\n",
        utt2spk="anna_a anna\nanna_b anna\nanna_c anna\nanna_d anna\n",
    )
    utterances = prepared(root, tmp_path / "out", "--max-left-out", 0.5)
    assert [(u.id, u.duration_s, u.video_start_s, u.words) for u in utterances.values()] == [
        ("anna_a", 2.25, 0.75, ("one", "two")),
        ("anna_b", 6.0, 3.5, ("three",)),
    ]
    heard = soundfile.read(utterances["anna_a"].wav)[0]
    assert np.allclose(heard, samples[RATE // 4 : RATE * 5 // 2], rtol=0, atol=1e-4)
    assert lines(tmp_path / "out" / "train" / "left_out") == {
        "anna_c": "its segment ends at 12 s, the recording after 9.00 s",
        "anna_d": "its segment begins at 9 s, the recording ends after 9.00 s",
    }


def test_what_this_toolkit_wrote_is_taken_too(tmp_path):
    say(tmp_path / "in" / "anna" / "talk.wav", voice((0, 4), (4.4, 8), duration_s=8.0))
    first = prepared(tmp_path / "in", tmp_path / "out")
    assert prepared(tmp_path / "out" / "train", tmp_path / "again") == first
    write_datadir(tmp_path / "prefixed", list(first.values()))
    assert list(prepared(tmp_path / "prefixed", tmp_path / "third", "--id-prefix", "x-")) == [
        "x-anna_talk-0001",
        "x-anna_talk-0002",
    ]


@pytest.mark.parametrize("below", ["", "set"])
@pytest.mark.parametrize("split", ["train", "test", "speaker-dependent"])
def test_a_directory_that_would_be_replaced_is_refused(tmp_path, below, split):
    root = kaldi(tmp_path / "data" / "train" / below, wav_scp="u1 1.wav\n", utt2spk="u1 anna\n")
    say(root / "1.wav")
    result = run(root, tmp_path / "data", "--split", split)
    assert isinstance(result.exception, DataError) and "the recordings lie in " in str(result.exception)
    assert (root / "wav.scp").read_text() == "u1 1.wav\n"
    assert sorted(path.name for path in root.iterdir()) == ["1.wav", "utt2spk", "wav.scp"]
    assert run(root, tmp_path / "other").exit_code == 0


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"wav_scp": "u1 sph2pipe -f wav 1.sph |\n"}, "wav.scp:1: expected '<utt> <path>', found a command"),
        ({"wav_scp": "u1 1.wav\nu1 2.wav\n"}, "wav.scp:2: u1 occurs twice"),
        ({"wav_scp": "u1\n"}, "wav.scp:1: expected '<utt> <path>', found nothing"),
        ({"utt2spk": ""}, "utt2spk: is missing or empty; expected lines '<utterance> <speaker>'"),
        ({"utt2spk": "u1 anna\nb_1\n"}, "utt2spk:2: expected '<utterance> <speaker>', found '' as the speaker"),
        ({"utt2spk": "u1 ??\n"}, "utt2spk:1: expected '<utterance> <speaker>', found '??' as the speaker"),
        ({"segments": "u1 r1 2 1\n"}, "segments:1: expected '<utterance> <recording> <start_s> <end_s>'"),
        ({"segments": "u1 r1 0\n"}, "segments:1: expected '<utterance> <recording> <start_s> <end_s>'"),
        ({"video_scp": "u1 1.mp4\n", "video_start": "u1 soon\n"}, "video_start:1: begins at 'soon', expected seconds"),
    ],
)
def test_a_broken_line_of_a_kaldi_directory_is_named(tmp_path, files, message):
    root = kaldi(tmp_path / "set", **{"wav_scp": "u1 1.wav\n", "utt2spk": "u1 anna\n"} | files)
    result = run(root, tmp_path / "out")
    assert isinstance(result.exception, DataError) and message in str(result.exception)
    assert not (tmp_path / "out").exists()


def test_the_help_says_which_options_are_not_for_a_kaldi_directory():
    not_for = {option.name for option in get_command(app).params if "not for a Kaldi directory" in option.help}
    assert not_for == {"speaker_from", "min_s", "max_s"}


def test_tables_beside_a_kaldi_directory_are_refused(tmp_path):
    root = kaldi(tmp_path / "set", wav_scp="u1 1.wav\n", utt2spk="u1 anna\n")
    assert "--late: " in str(run(root, tmp_path / "out", "--late", tmp_path / "late").exception)
