"""Keyword accuracy: the grammar, the recogniser on sentences that eSpeak NG speaks, and the program."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import RATE, run_app

from avsi.audio.samples import resample
from avsi.data.datadir import Utterance, read_datadir, write_datadir
from avsi.data.gap_files import write_gap_file
from avsi.data.gaps import Gap
from avsi.data.phones import Lexicon, read_pronunciations
from avsi.errors import AvsiWarning, ConfigError, DataError
from avsi.media.sound_reading import read_mono
from data_prep import stats
from data_prep.drawn_speakers import synthesis
from data_prep.grid import sentences as grid
from evaluation import keywords, restore
from evaluation.folder.evaluation import Evaluation
from evaluation.keywords import keyword_totals, score_keywords
from evaluation.recognizers import recognition, word_recognizer
from evaluation.recognizers.grammar import Grammar
from evaluation.recognizers.word_recognizer import WordRecognizer
from evaluation.statistics.summarize import summarize

CONF = Path(__file__).parents[1] / "recipes" / "grid" / "conf"
GRAMMAR, LEXICON = CONF / "grid.gram", CONF / "lexicon.txt"
STEMS = ("bbaf2n", "lgwx9s", "prim6p", "swby4a")
NAMES = ["colour", "letter", "digit"]


@pytest.fixture(scope="module")
def recognizer() -> WordRecognizer:
    pytest.importorskip("pocketsphinx", reason="the extra `keywords` is not installed")
    return WordRecognizer(Grammar.read(GRAMMAR), LEXICON)


@pytest.fixture(scope="module")
def spoken(tmp_path_factory) -> Path:
    """A data directory of four sentences with silence around them, by one of eSpeak NG's voices."""
    folder = tmp_path_factory.mktemp("spoken") / "test"
    folder.mkdir()
    utterances = []
    for stem in STEMS:
        words = grid.sentence(stem)
        speech = synthesis.synthesize(words, synthesis.EspeakVoice("en-us+f2", 200))
        samples = np.pad(resample(speech.samples.astype(float), synthesis.RATE, RATE), 4000)
        aligned = tuple(
            (0.25 + start_s, end_s - start_s, word) for (start_s, end_s), word in zip(speech.words, words, strict=True)
        )
        wav = folder / f"s01_{stem}.wav"
        soundfile.write(wav, samples, RATE)
        utterances.append(Utterance(wav.stem, "s01", str(wav), len(samples) / RATE, words, alignment=aligned))
    write_datadir(folder, utterances, "eSpeak")
    return folder


def samples_of(spoken: Path, stem: str) -> np.ndarray:
    return read_mono(spoken / f"s01_{stem}.wav", RATE)


def rows_in(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_grids_grammar_has_grids_sentences():
    grammar = Grammar.read(GRAMMAR)
    tables = (grid.COMMANDS, grid.COLOURS, grid.PREPOSITIONS, None, grid.DIGITS, grid.ADVERBS)
    assert list(grammar.places) == ["command", "colour", "preposition", "letter", "digit", "adverb"]
    for words, table in zip(grammar.places.values(), tables, strict=True):
        assert sorted(words) == sorted(table.values() if table else "abcdefghijklmnopqrstuvxyz")
    said = grammar.parse(grid.sentence("bbaf2n"))
    assert {name: said[name] for name in NAMES} == {"colour": "blue", "letter": "f", "digit": "two"}


def test_every_pronunciation_is_known_to_the_recogniser_and_the_first_to_the_models():
    several = read_pronunciations(LEXICON)
    assert set(several) == Grammar.read(GRAMMAR).words
    assert several["a"] == [("EY",)] and several["z"] == [("Z", "IY"), ("Z", "EH", "D")]
    assert Lexicon.read(LEXICON).pronunciations["z"] == ("Z", "IY")


@pytest.mark.parametrize("words", ["bin blue at w two now", "bin blue at f two", "blue bin at f two now", ""])
def test_words_that_are_no_sentence_are_told(words):
    with pytest.raises(DataError, match=rf"'{words}' is no sentence of .*grid\.gram, such as 'bin blue at a zero"):
        Grammar.read(GRAMMAR).parse(words.split())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<a> = x;", "expected one public rule, of the form '<first> <second> ...'; found none"),
        ("public <s> = <a>; public <t> = <a>; <a> = x;", "expected one public rule"),
        ("public <s> = [<a>] <b>; <a> = x; <b> = y;", r"found '\[<a>\] <b>'"),
        ("public <s> = <a> <digit>; <a> = x;", "its sentence has <digit>, but there is no such rule"),
        ("public <s> = <a> <a>; <a> = x;", "its sentence has <a> twice"),
        ("public <s> = <a>; <a> = x | (y z);", r"<a>: expected 'word \| word ...', found 'x \| \(y z\)'"),
        ("public <s> = <a>; <a> = ;", "expected '<rule> = ...;', found '<a> ='"),
        ("", "found none"),
    ],
)
def test_a_grammar_of_another_form_is_told(tmp_path, text, message):
    (tmp_path / "my.gram").write_text(f"#JSGF V1.0;\n// a; comment\ngrammar /* of */ mine;\n{text}\n")
    with pytest.raises(DataError, match=rf"my\.gram: .*{message}"):
        Grammar.read(tmp_path / "my.gram")
    with pytest.raises(DataError, match=r"none\.gram: no such grammar"):
        Grammar.read(tmp_path / "none.gram")


def scored(said: str | tuple, words: str | list[str], places: list[str] = NAMES) -> dict:
    said, words = (of.split() if isinstance(of, str) else of for of in (said, words))
    return score_keywords(Grammar.read(GRAMMAR), places, Utterance("s01_x", "s01", "x.wav", 3.0, tuple(said)), words)


def test_a_keyword_is_right_where_the_same_word_stands_in_its_place():
    said, recognized = "bin blue at f two now", "lay blue in s two soon"
    row = {"recognized": recognized, "keywords": 2 / 3, "colour": True, "letter": False, "digit": True}
    assert scored(said, recognized) == row
    assert scored(said, "") == {"recognized": "", "keywords": 0, "colour": False, "letter": False, "digit": False}
    row = {"recognized": recognized, "keywords": 0.5, "command": False, "digit": True}
    assert scored(said, recognized, ["command", "digit"]) == row


def test_a_set_is_summed_up_over_what_was_scored():
    rows = [
        {"recognized": "bin blue at f two now", "keywords": 1.0, "colour": True, "letter": True, "digit": True},
        {"recognized": "bin red at f one now", "keywords": 1 / 3, "colour": False, "letter": True, "digit": False},
        {"recognized": "", "keywords": 0.0, "colour": False, "letter": False, "digit": False},
        {"recognized": None, "keywords": None, "colour": None, "letter": None, "digit": None},
    ]
    assert keyword_totals(rows, NAMES) == ["0.444", "0.333", "0.667", "0.333", 4, 1, 1]
    assert keyword_totals(rows[3:], NAMES) == ["-", "-", "-", "-", 1, 0, 1]


def test_without_pocketsphinx_one_line_says_how_to_get_it(monkeypatch, spoken):
    monkeypatch.setattr(word_recognizer, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"needs pocketsphinx: pip install -c constraints\.txt -e '\.\[keywords\]'"):
        run_app(keywords.app, spoken, "--grammar", GRAMMAR)
    with pytest.raises(ConfigError, match="needs pocketsphinx"):
        WordRecognizer(Grammar.read(GRAMMAR), LEXICON)
    with pytest.warns(AvsiWarning, match=r"left out: .* needs pocketsphinx"):
        run_app(keywords.app, spoken, "--grammar", GRAMMAR, "--if-installed")
    assert not (spoken / "keywords.jsonl").exists()


def test_words_are_recognised(recognizer, spoken):
    rows = [scored(grid.sentence(stem), recognizer.recognize(samples_of(spoken, stem), RATE)) for stem in STEMS]
    assert all(row["colour"] for row in rows)
    assert sum(row[place] for row in rows for place in NAMES) >= 9  # of 12; of a guess, 1.6


def test_words_beside_a_silent_gap_are_recognised(recognizer, spoken):
    """With the recogniser's own pruning, nothing at all was recognised here."""
    samples = samples_of(spoken, "bbaf2n")
    [line] = [one for one in (spoken / "align").read_text().splitlines() if one.endswith(" f")]
    start_s, length_s = map(float, line.split()[1:3])
    samples[round((start_s - 0.3) * RATE) : round((start_s + length_s) * RATE)] = 0
    words = recognizer.recognize(samples, RATE)
    assert words[:2] + words[4:] == ["bin", "blue", "two", "now"]


@pytest.mark.slow
def test_earlier_utterances_do_not_matter(recognizer, spoken):
    sounds = [samples_of(spoken, stem) for stem in STEMS]
    first = [recognizer.recognize(samples, RATE) for samples in sounds]
    noise = np.random.default_rng(0).standard_normal(3 * RATE)
    for n, before in enumerate((0.3 * noise, 0.001 * noise, np.zeros(3 * RATE), sounds[0][:800])):
        recognizer.recognize(before, RATE)
        assert recognizer.recognize(sounds[n % len(sounds)], RATE) == first[n % len(sounds)]
    assert WordRecognizer(Grammar.read(GRAMMAR), LEXICON).recognize(sounds[2], RATE) == first[2]


def test_in_silence_nothing_is_recognised_and_in_noise_a_sentence_is_guessed(recognizer):
    for samples in (np.zeros(3 * RATE), np.zeros(0), np.ones(100)):
        assert recognizer.recognize(samples, RATE) == []
    noise = 0.1 * np.random.default_rng(0).standard_normal(3 * RATE)
    assert Grammar.read(GRAMMAR).parse(recognizer.recognize(noise, RATE))
    with pytest.raises(ValueError, match=r"at 8000 Hz: expected \(n_samples,\) at 16000 Hz"):
        recognizer.recognize(noise, 8000)
    with pytest.raises(ValueError, match=r"shape \(1, 48000\)"):
        recognizer.recognize(noise[None], RATE)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", r"few\.txt: has no phones for 'seven', a word of .*grid\.gram"),
        ("seven SIL\n", "has no phones for 'seven'"),
        ("seven S EH1 V AH N\n", "PocketSphinx does not take 'seven S EH1 V AH N'; expected phones of the CMU"),
    ],
)
def test_a_lexicon_that_does_not_fit_is_told(recognizer, tmp_path, line, message):
    (tmp_path / "few.txt").write_text(LEXICON.read_text().replace("seven S EH V AH N\n", line))
    with pytest.raises(DataError, match=message):
        WordRecognizer(Grammar.read(GRAMMAR), tmp_path / "few.txt")


def test_a_place_that_the_sentence_has_not_is_told(recognizer, spoken):
    with pytest.raises(ConfigError, match=r"no place 'color' in its sentence, but command, colour, preposition"):
        run_app(keywords.app, spoken, "--grammar", GRAMMAR, "--keywords", "color,letter")


@pytest.mark.slow
def test_an_evaluation_is_recognised_and_summed_up(recognizer, spoken, tmp_path, monkeypatch):
    """Of what another program restored: one sentence whole, one that is another, one silent, one missing."""
    made = tmp_path / "made" / "mine"
    made.mkdir(parents=True)
    sounds = [samples_of(spoken, stem) for stem in STEMS]
    for stem, samples in zip(STEMS, (sounds[0], sounds[3][: len(sounds[1])], 0 * sounds[2]), strict=False):
        soundfile.write(made / f"s01_{stem}.wav", samples, RATE)
    # All but a last millisecond, in which nothing is said.
    gaps = {utterance.id: [Gap(0, utterance.duration_s - 0.001)] for utterance in read_datadir(spoken)}
    write_gap_file(tmp_path / "gaps_mine", gaps)
    run_app(stats.app, spoken)
    out = tmp_path / "evaluation"
    options = ["--gaps", tmp_path / "gaps_mine", "--stats", spoken / "stats.npz", "--max-left-out", 1, "--jobs", 1]
    (spoken / "development").write_text("the grammar was chosen on it\n")
    run_app(restore.app, spoken, "--system", tmp_path / "made", "--out", out, *options)
    (spoken / "development").unlink()
    arguments = [out, "--grammar", GRAMMAR, "--jobs", 1]
    output = run_app(keywords.app, *arguments)
    assert "evaluation: made, mine" in output and "test, clean" in output
    assert f"{out}: Development set, no test set: the grammar was chosen on it." in output

    clean, rows = rows_in(out / "clean" / "keywords.jsonl"), rows_in(out / "made" / "mine" / "keywords.jsonl")
    assert [row["said"] for row in rows] == [" ".join(grid.sentence(stem)) for stem in STEMS]
    whole, swapped, silent, missing = rows
    assert whole == clean[0]
    assert swapped["recognized"] == clean[3]["recognized"] and swapped["keywords"] == 0.0 and swapped["letter"] is False
    assert silent["recognized"] == "" and silent["keywords"] == 0.0 and silent["failed"] == {}
    assert missing["recognized"] is None and missing["keywords"] is None and missing["colour"] is None
    assert missing["failed"]["keywords"].endswith("no such file")

    found = summarize(Evaluation.read(out))
    assert found.clean["keywords"].mean == pytest.approx(np.mean([row["keywords"] for row in clean]))
    estimate = found.estimates["made", "mine", "keywords"]
    assert estimate.mean == pytest.approx(whole["keywords"] / 3) and (estimate.scored, estimate.missing) == (3, 1)

    path = out / "clean" / "keywords.jsonl"
    path.write_text(path.read_text().replace('"PocketSphinx', '"another PocketSphinx'))
    with (
        pytest.warns(AvsiWarning, match=r"run evaluation\.keywords again"),
        pytest.raises(DataError, match="nothing is"),
    ):
        summarize(Evaluation.read(out))


@pytest.mark.slow
def test_complete_results_stay(recognizer, spoken, tmp_path, monkeypatch):
    grammar = tmp_path / "my.gram"
    grammar.write_text(GRAMMAR.read_text())
    arguments = [spoken, "--grammar", grammar, "--lexicon", LEXICON, "--jobs", 1]
    output = run_app(keywords.app, *arguments)
    monkeypatch.setattr(recognition, "make_rows", None)
    assert run_app(keywords.app, *arguments) == output
    grammar.write_text(GRAMMAR.read_text() + "// another\n")
    with pytest.raises(TypeError):
        run_app(keywords.app, *arguments)


def test_a_transcript_that_is_no_sentence_fails_its_utterance(recognizer, spoken, tmp_path):
    folder = tmp_path / "mixed"
    utterances = [
        Utterance(f"s01_{stem}", "s01", str(spoken / f"s01_{stem}.wav"), 2.5, words)
        for stem, words in ((STEMS[0], grid.sentence(STEMS[0])), (STEMS[1], ("hello", "world")))
    ]
    write_datadir(folder, utterances)
    output = run_app(keywords.app, folder, "--grammar", GRAMMAR, "--jobs", 1)
    scored, failed = rows_in(folder / "keywords.jsonl")
    assert scored["keywords"] is not None and failed["keywords"] is None
    assert "'hello world' is no sentence of" in failed["failed"]["keywords"]
    assert output.split()[-3:] == ["2", "0", "1"]
