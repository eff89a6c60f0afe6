"""AN4: raw samples in either order of bytes, and transcriptions."""

import re

import numpy as np
import pytest
from conftest import RATE, run_app, speech
from typer.testing import CliRunner

from avsi.errors import DataError
from avsi.media.sound_reading import read_mono
from data_prep import an4
from data_prep.corpus import Corpus


def samples_of(number: int) -> np.ndarray:
    return np.rint(speech(number, 1.0) * 8000).astype(np.int16)


@pytest.fixture
def root(tmp_path):
    """Two speakers, of whom one is in the test set."""
    folder = tmp_path / "an4"
    (folder / "etc").mkdir(parents=True)
    (folder / "etc" / "an4_train.transcription").write_text(
        "<s> RUBOUT G M <sil> SIX </s> (an1-fash-b)\n<s> YES </s> (cen2-fash-b)\n"
    )
    (folder / "etc" / "an4_test.transcription").write_text("ERASE C Q (an3-mdms2-b)\n")
    for number, name in enumerate(
        ("an4_clstk/fash/an1-fash-b", "an4_clstk/fash/cen2-fash-b", "an4test_clstk/mdms2/an3-mdms2-b")
    ):
        path = folder / "wav" / f"{name}.raw"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(samples_of(number).astype(">i2").tobytes())
    return folder


def test_recordings_lie_in_their_speakers_folders_with_their_words(root, tmp_path):
    output = run_app(an4.app, "--root", root, "--out", tmp_path / "out")
    assert "2 speakers, 3 recordings" in output
    words = {str(path.relative_to(tmp_path / "out")): path.read_text() for path in (tmp_path / "out").rglob("*.txt")}
    assert words == {
        "fash/an1-fash-b.txt": "rubout g m six\n",
        "fash/cen2-fash-b.txt": "yes\n",
        "mdms/an3-mdms2-b.txt": "erase c q\n",
    }
    sound = read_mono(tmp_path / "out" / "fash" / "an1-fash-b.wav", RATE)
    assert np.array_equal(np.rint(sound * 32768).astype(np.int16), samples_of(0))
    assert (Corpus.of(tmp_path / "out").name, Corpus.of(tmp_path / "out").id_prefix) == ("AN4", "an4-")


@pytest.mark.parametrize("order", [">i2", "<i2"])
def test_either_order_of_bytes_is_told_by_the_sound(tmp_path, order):
    samples = samples_of(0)
    (tmp_path / "a.raw").write_bytes(samples.astype(order).tobytes())
    read = an4.read_raw(tmp_path / "a.raw")
    assert read.dtype == np.float32 and np.array_equal(read * 32768, samples)


def change(root, what):
    raw = root / "wav" / "an4_clstk" / "fash" / "an1-fash-b.raw"
    if what == "odd":
        raw.write_bytes(raw.read_bytes()[:-1])
    elif what == "empty":
        raw.write_bytes(b"")
    elif what == "unsaid":
        (root / "etc" / "an4_test.transcription").write_text("")
    elif what == "untold":
        for path in (root / "etc").iterdir():
            path.unlink()
    elif what == "line":
        (root / "etc" / "an4_test.transcription").write_text("ERASE C Q an3-mdms2-b\n")
    elif what == "twice":
        other = root / "wav" / "more" / "fash" / raw.name
        other.parent.mkdir(parents=True)
        other.write_bytes(raw.read_bytes())
    else:
        for path in root.rglob("*.raw"):
            path.unlink()


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("odd", r"an1-fash-b.raw: 31999 bytes, expected 16-bit samples; it is cut short"),
        ("empty", r"an1-fash-b.raw: 0 bytes, expected 16-bit samples"),
        ("unsaid", r"an3-mdms2-b.raw: no line of .*etc/\*.transcription ends in \(an3-mdms2-b\)"),
        ("untold", r"an4: no transcription in it; expected etc/an4_train.transcription"),
        ("line", r"an4_test.transcription:1: expected '<s> WORDS </s> \(recording\)', found 'ERASE C Q an3-mdms2-b'"),
        ("twice", r"more/fash/an1-fash-b.raw: .*an4_clstk/fash/an1-fash-b.raw has the same speaker and name"),
        ("silent", r"an4: no recording of AN4 in it; expected files such as wav/an4_clstk/fash/an251-fash-b.raw"),
    ],
)
def test_what_is_not_an4_is_said_and_leaves_nothing(root, tmp_path, what, message):
    change(root, what)
    result = CliRunner().invoke(an4.app, ["--root", str(root), "--out", str(tmp_path / "out")])
    assert isinstance(result.exception, DataError) and re.search(message, str(result.exception))
    assert [path.name for path in tmp_path.iterdir()] == ["an4"]


def test_transcriptions_without_a_recording_are_counted(root, tmp_path):
    (root / "wav" / "an4_clstk" / "fash" / "cen2-fash-b.raw").unlink()
    assert "note: 1 transcriptions have no recording" in run_app(an4.app, "--root", root, "--out", tmp_path / "out")
