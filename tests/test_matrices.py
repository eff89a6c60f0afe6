"""Archives of matrices: damaged ones, and those that would run something."""

import pickle
import struct
import time
import warnings

import kaldiio
import numpy as np
import pytest
from conftest import face, make_datadir, mouth_opening

from avsi.data.datadir import Utterance, read_datadir
from avsi.data.matrices import append_matrix, find_matrices, read_matrix
from avsi.errors import AvsiWarning, DataError
from avsi.video.tracks import Tracks

TIME_S = np.arange(10) / 25
IDS = ["s01_a", "s01_b", "s01_c"]
RECORD = len("s01_a ") + 15 + 4 * 10 * 137


class Trap:
    """Unpickling it makes a file."""

    def __init__(self, path) -> None:
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def landmarks(number: int) -> np.ndarray:
    return face(mouth_opening(number, TIME_S), TIME_S).to_matrix()


@pytest.fixture
def ark(tmp_path):
    """Three utterances' landmarks, one after the other."""
    with (tmp_path / "my landmarks.ark").open("w+b") as file:
        assert [append_matrix(file, id_, landmarks(n)) for n, id_ in enumerate(IDS)] == [6, 6 + RECORD, 6 + 2 * RECORD]
    return tmp_path / "my landmarks.ark"


def test_what_is_written_is_read_by_offset_also_through_kaldiio(ark):
    assert np.array_equal(read_matrix(f"{ark}:{6 + RECORD}"), landmarks(1))
    assert np.array_equal(dict(kaldiio.load_ark(str(ark)))["s01_c"], landmarks(2))
    kaldiio.save_ark(str(ark), {"x": landmarks(0).astype(np.float64)})
    assert read_matrix(f"{ark}:2").dtype == np.float64


@pytest.mark.parametrize("method", [2, 3, 5])
def test_compressed_matrices_are_read_as_kaldiio_reads_them(ark, method):
    kaldiio.save_ark(str(ark), {"x": landmarks(0)}, compression_method=method)
    assert np.array_equal(read_matrix(f"{ark}:2"), kaldiio.load_mat(f"{ark}:2"))
    assert np.abs(read_matrix(f"{ark}:2") - landmarks(0)).max() < 2
    whole = ark.read_bytes()
    for cut in (5, 10, 20, 30, len(whole) - 1):
        ark.write_bytes(whole[:cut])
        with pytest.raises(DataError, match=r"expected a (binary|whole) matrix"):
            read_matrix(f"{ark}:2")


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("touch {0} |", "a command"),
        ("| touch {0}", "a command"),
        ("-", "standard input"),
        ("x.ark", "'x.ark'"),
        ("x.ark:6[0:3]", "'x.ark:6[0:3]'"),
        ("x.ark:-6", "'x.ark:-6'"),
        ("x.ark:six", "'x.ark:six'"),
        ("x.ark:" + "9" * 5000, "'x.ark:9"),
        ("", "nothing"),
    ],
)
def test_a_list_of_landmarks_names_places_in_files(tmp_path, value, found):
    folder, trap = make_datadir(tmp_path / "set", IDS), tmp_path / "trap"
    scp = folder / "landmarks.scp"
    first, _, third = scp.read_text().splitlines()
    scp.write_text(f"{first}\ns01_b {value.format(trap)}\n{third}\n")
    with pytest.raises(DataError) as told:
        read_datadir(folder)
    assert str(told.value).startswith(f"{scp}:2: expected '<utt> <path>:<offset>', found {found}")
    with pytest.raises(DataError):
        Utterance("s01_b", "s01", "b.wav", 1.0, landmarks=value.format(trap)).load_landmarks()
    assert not trap.exists()


@pytest.mark.parametrize("name", ["wav.scp", "video.scp"])
def test_lists_of_files_hold_no_commands(tmp_path, name):
    folder = make_datadir(tmp_path / "set", IDS)
    for value, found in (("sox x.mp3 -t wav - |", "a command"), ("-", "standard input"), ("", "nothing")):
        (folder / name).write_text(f"s01_a a file.wav\ns01_b {value}\ns01_c c.wav\n")
        with pytest.raises(DataError, match=rf"{name}:2: expected '<utt> <path>', found {found}"):
            read_datadir(folder)


def test_a_pickled_object_a_text_and_another_format_are_refused(tmp_path):
    trap, file = tmp_path / "trap", tmp_path / "x.ark"
    for content in (
        b"PKL" + pickle.dumps(Trap(trap)),
        b" [\n 1.0 2.0 ]\n",
        b"NPY\x01\x10",
        b"RIFF\0\0\0\0WAVE",
        b"\0B\4\3\0\0\0",
        b"\0BFV \4\3\0\0\0" + bytes(12),
    ):
        file.write_bytes(b"s01_a " + content)
        with pytest.raises(DataError, match=r"x\.ark:6: expected a binary matrix, found bytes b"):
            read_matrix(f"{file}:6")
    assert not trap.exists()


@pytest.mark.slow
def test_an_evaluation_runs_no_command_either(evaluation, tmp_path):
    from evaluation.folder.evaluation import Evaluation

    scp = evaluation / "oracle" / "600ms" / "spectra.scp"
    first, *others = scp.read_text().splitlines()
    scp.write_text("\n".join([f"{first.split()[0]} touch {tmp_path / 'trap'} |", *others]) + "\n")
    with pytest.raises(DataError, match=r"spectra\.scp:1: expected '<utt> <path>:<offset>', found a command"):
        Evaluation.read(evaluation).set("oracle", "600ms").check_lists()
    assert not (tmp_path / "trap").exists()


def test_an_archive_cut_at_any_byte_of_a_matrix_is_told(ark):
    whole = ark.read_bytes()
    for cut in (*range(RECORD + 6, RECORD + 25), 2 * RECORD - 1):
        ark.write_bytes(whole[:cut])
        assert np.array_equal(read_matrix(f"{ark}:6"), landmarks(0))
        with pytest.raises(DataError, match=r"expected (a matrix|a binary matrix|a whole matrix), found"):
            read_matrix(f"{ark}:{6 + RECORD}")


def test_a_flipped_header_is_told_and_reserves_no_memory(ark):
    """Each byte of it, to each of some values; sizes up to 2**31 rows of 2**31 columns among them."""
    whole, told = ark.read_bytes(), 0
    for place in range(6, 21):
        for value in (0, 1, 4, 32, 127, 128, 255):
            ark.write_bytes(whole[:place] + bytes([value]) + whole[place + 1 :])
            try:
                Utterance("s01_a", "s01", "a.wav", 1.0, landmarks=f"{ark}:6").load_landmarks()
            except DataError as error:
                told += "\n" not in str(error)
            else:  # what it was, or fewer rows
                assert whole[place] == value or (place, value) in {(12, 1), (12, 4)}
    assert told == 15 * 7 - 12
    for rows, columns in ((2**31 - 1, 2**31 - 1), (-1, 137), (10, -137), (0, 137), (10, 0), (137, 10), (5, 274)):
        size = struct.pack("<i", rows) + b"\4" + struct.pack("<i", columns)
        ark.write_bytes(whole[:12] + size + whole[21:])
        with pytest.raises(DataError, match=r"my landmarks\.ark:6"):
            Utterance("s01_a", "s01", "a.wav", 1.0, landmarks=f"{ark}:6").load_landmarks()


@pytest.mark.parametrize("offset", [0, 5, 7, 21, 6 + RECORD + 3, 3 * RECORD - 1, 3 * RECORD, 10**17])
def test_a_wrong_offset_is_told(ark, offset):
    with pytest.raises(DataError, match=rf"s01_a: its landmarks cannot be read from .*:{offset} \(.*expected"):
        Utterance("s01_a", "s01", "a.wav", 1.0, landmarks=f"{ark}:{offset}").load_landmarks()


def test_what_is_no_file_is_told_without_reading(tmp_path):
    for path in (tmp_path, "/dev/zero", tmp_path / "none"):
        with pytest.raises(DataError, match="no such file"):
            read_matrix(f"{path}:0")


def changed(place, value) -> np.ndarray:
    matrix = landmarks(0)
    matrix[place] = value
    return matrix


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (landmarks(0)[:, :40], r"137 columns, found a shape of \(10, 40\)"),
        (changed((3, 0), np.nan), "times that ascend"),
        (changed((3, 0), np.inf), "times that ascend"),
        (changed((3, 0), 0.01), "times that ascend"),
        (changed((3, 5), np.nan), "in each row all 68 points, or none"),
        (changed((3, 5), np.inf), "in each row all 68 points, or none"),
    ],
)
def test_a_matrix_that_is_no_landmarks_is_told(ark, matrix, message):
    with ark.open("r+b") as file:
        place = append_matrix(file, "s01_d", matrix)
    with pytest.raises(DataError, match=message):
        Utterance("s01_d", "s01", "d.wav", 1.0, landmarks=f"{ark}:{place}").load_landmarks()


def found(ark) -> dict[str, int]:
    with ark.open("a+b") as file:
        return find_matrices(file, IDS, Tracks.from_matrix)


def test_what_a_killed_run_left_half_written_is_cut_off(ark):
    whole = ark.read_bytes()
    for cut in (1, 5, 6, 7, 11, 12, 15, 20, 21, 100, RECORD - 1):
        ark.write_bytes(whole[: 2 * RECORD + cut])
        assert found(ark) == {"s01_a": 6, "s01_b": 6 + RECORD}
        assert ark.read_bytes() == whole[: 2 * RECORD]
    ark.write_bytes(b"")
    assert found(ark) == {}


def damaged(whole: bytes, place: int, content: bytes) -> bytes:
    return whole[:place] + content + whole[place + len(content) :]


@pytest.mark.parametrize(
    ("place", "content", "left"),
    [
        (RECORD, b"\0" * 6, "ac"),  # the key; the one before it may be too short
        (RECORD + 2, b"\xff\xfe", "ac"),
        (RECORD + 8, b"D", "ac"),  # the kind
        (RECORD + 12, b"\xff\xff\xff\x7f", "ac"),  # rows: more than there are
        (RECORD + 12, b"\xff\xff\xff\xff", "ac"),
        (RECORD + 12, b"\x0d", "ac"),  # the next matrix would be rows of this one
        (RECORD + 12, b"\x07", "ac"),  # its last rows would be the beginning of the next
        (RECORD + 17, b"\x88", "ac"),  # columns
        (RECORD + 21 + 4 * 137, b"\0\0\xc0\x7f", "ac"),  # a time
        (RECORD + 100, b"\0" * RECORD, "a"),  # from the middle of one to the middle of the next
        (0, b"\0" * 3000, "bc"),
    ],
)
def test_damage_in_the_middle_loses_what_is_damaged_and_moves_nothing(ark, place, content, left):
    whole = damaged(ark.read_bytes(), place, content)
    ark.write_bytes(whole)
    places = {f"s01_{x}": 6 + "abc".index(x) * RECORD for x in left}
    first = found_quietly(ark)
    assert first.items() <= places.items()
    assert set(places) - set(first) <= {"s01_a"}  # which is found anew where its end is in doubt
    assert ark.read_bytes() == whole
    with ark.open("a+b") as file:
        added = {id_: append_matrix(file, id_, landmarks(IDS.index(id_))) for id_ in IDS if id_ not in first}
    assert found_quietly(ark) == first | added
    assert ark.read_bytes()[: 3 * RECORD] == whole


def found_quietly(ark) -> dict[str, int]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AvsiWarning)
        return found(ark)


def test_what_is_no_archive_or_one_of_others_stays(ark):
    others = ark.read_bytes().replace(b"s01", b"s09")
    ark.write_bytes(others)
    assert found(ark) == {} and ark.read_bytes() == others
    kaldiio.save_ark(str(ark), {id_: np.zeros((10, 40), np.float32) for id_ in IDS})
    for content in (ark.read_bytes(), ark.read_bytes()[:-1], b"no archive", b"\0" * 5000, b"x" * 100_000):
        ark.write_bytes(content)
        with pytest.warns(AvsiWarning, match=rf"my landmarks\.ark: {len(content)} bytes are damaged"):
            assert found(ark) == {}
        assert ark.read_bytes() == content


def test_a_large_damaged_part_is_passed_over_quickly(ark):
    whole = ark.read_bytes()
    ark.write_bytes(whole[:RECORD] + b"\1" * 30_000_000 + whole[RECORD:])
    begin = time.monotonic()
    assert set(found_quietly(ark)) == {"s01_b", "s01_c"}
    assert time.monotonic() - begin < 2
