"""Parts of a restored set: which are there, and what is gone on with."""

import json

import numpy as np
import pytest

from avsi.data.datadir import Utterance
from avsi.data.matrices import read_matrix
from evaluation.folder.set_parts import Part

STATE = {"weights": "1"}
UTTERANCES = [Utterance(f"s01_{name}", "s01", f"{name}.wav", 1.0) for name in "abc"]
SPECTRA = {"s01_a": np.full((2, 3), 1.0, np.float32), "s01_c": np.full((2, 3), 2.0, np.float32)}


@pytest.fixture
def part(tmp_path):
    with (made := Part(tmp_path, 0, STATE)).written():
        for id_, spectrum in SPECTRA.items():
            made.add(id_, spectrum)
        made.failed["s01_b"] = "no such file"
    return made


def spectrum(part: Part, id_: str) -> list:
    return read_matrix(f"{part.ark}:{part.places[id_]}").tolist()


def changed(**values):
    return lambda text: json.dumps(json.loads(text) | values)


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: "",
        lambda _: "[]",
        lambda text: text.replace('"places"', '"other"'),
        changed(places=["s01_a", "s01_c"]),
        changed(places={"s01_a": "5", "s01_c": 9}),
        changed(failed={}),
        changed(fingerprint={"weights": "2"}),
    ],
    ids=["empty", "a list", "no places", "a list of places", "a text as place", "one is missing", "other weights"],
)
def test_what_cannot_be_read_is_not_there(part, tmp_path, damage):
    said = part.ark.with_suffix(".json")
    assert Part(tmp_path, 0, STATE).read(UTTERANCES)
    said.write_text(damage(said.read_text()))
    again = Part(tmp_path, 0, STATE)
    assert not again.read(UTTERANCES) and again.places == again.failed == {}


def test_an_archive_that_does_not_reach_to_its_last_spectrum_is_not_there(part, tmp_path):
    content = part.ark.read_bytes()
    for kept in (b"", content[: part.places["s01_c"]]):
        part.ark.write_bytes(kept)
        assert not Part(tmp_path, 0, STATE).read(UTTERANCES)
    part.ark.unlink()
    assert not Part(tmp_path, 0, STATE).read(UTTERANCES)


def test_what_failed_is_added_to_what_is_there(part, tmp_path):
    again = Part(tmp_path, 0, STATE)
    assert again.read(UTTERANCES) and again.failed == {"s01_b": "no such file"}
    with again.written():
        del again.failed["s01_b"]
        again.add("s01_b", np.full((2, 3), 3.0, np.float32))
    third = Part(tmp_path, 0, STATE)
    assert third.read(UTTERANCES) and third.failed == {}
    assert [spectrum(third, id_)[0][0] for id_ in ("s01_a", "s01_b", "s01_c")] == [1, 3, 2]
