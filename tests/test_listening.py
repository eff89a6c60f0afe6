"""Listening tests: what is drawn, what is kept of listeners, and what is made of it."""

import csv
import json
import re
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import combinations

import pytest
from evaluations import FAILED, WHY, make_evaluation

from avsi.errors import AvsiError, ConfigError, DataError
from avsi.folders import locked
from evaluation.folder.evaluation import Evaluation
from evaluation.listening.drawing import draw_test
from evaluation.listening.listening_test import ListeningTest, Trial, read_tests
from evaluation.listening.outcome import outcome_tables
from evaluation.listening.ratings import add_ratings, listener_name, listeners, next_trial, read_ratings

BOTH = ["200ms", "400ms"]
# What is drawn stays the same over releases.
FIRST_OF_SEED_3, ANN_OF_SEED_3 = (
    Trial("400ms", "s01_clip1", ("unprocessed", "a")),
    [3, 8, 12, 4, 9, 10, 11, 7, 5, 6, 1, 2],
)


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory):
    return Evaluation.read(make_evaluation(tmp_path_factory.mktemp("listening") / "made"))


def made(folder, kind, trials, systems=("a", "av")) -> ListeningTest:
    test = ListeningTest(folder, kind, 3, systems, ("200ms",), tuple(trials), {})
    test.write()
    return test


def test_trials_are_even_and_drawn_by_the_seed_alone(evaluation, tmp_path):
    systems = ["unprocessed", "a", "av"]
    test = draw_test(evaluation, tmp_path / "one", "pairs", systems, BOTH, 12, 3)
    assert draw_test(evaluation, tmp_path / "two", "pairs", systems, BOTH, 12, 3).trials == test.trials
    assert draw_test(evaluation, tmp_path / "two", "pairs", systems, BOTH, 12, 4).trials != test.trials
    assert test.trials[0] == FIRST_OF_SEED_3 and test.order("ann") == ANN_OF_SEED_3
    assert len(set(test.trials)) == 12
    assert Counter(trial.versions for trial in test.trials) == dict.fromkeys(combinations(systems, 2), 4)
    assert Counter(trial.condition for trial in test.trials) == dict.fromkeys(BOTH, 6)
    whole = draw_test(evaluation, tmp_path / "three", "pairs", ["unprocessed", "a"], BOTH, 4, 3)
    speakers = [trial.id[:3] for trial in whole.trials]
    assert speakers in (["s01", "s02"] * 2, ["s02", "s01"] * 2)
    assert json.loads((test.folder / "test.json").read_text())["seed"] == 3
    assert ListeningTest.read(test.folder) == test and read_tests(tmp_path / "one") == ([test], {})


def test_what_was_not_restored_is_left_out_with_its_reason(evaluation, tmp_path):
    test = draw_test(evaluation, tmp_path, "mushra", ["a", "av"], BOTH, 10, 0)
    assert {trial.versions for trial in test.trials} == {("original", "unprocessed", "a", "av")}
    assert FAILED not in {trial.id for trial in test.trials}
    with pytest.raises(
        ConfigError, match=r"11 trials are too many: there are 10 .*; 2 more cannot be played; take 10 or fewer"
    ):
        draw_test(evaluation, tmp_path, "mushra", ["a", "av"], BOTH, 11, 1)
    (tmp_path / "left").mkdir()
    wav = evaluation.folder / "a" / "400ms" / "wav" / "s01_clip0.wav"
    content = wav.read_bytes()
    try:
        wav.write_bytes(b"no sound")
        left = draw_test(evaluation, tmp_path / "left", "mushra", ["a"], ["400ms"], 5, 0).left_out
    finally:
        wav.write_bytes(content)
    assert list(left) == ["s01_clip0, 400ms"] and "s01_clip0.wav" in left["s01_clip0, 400ms"]
    assert evaluation.set("av", "400ms").of(FAILED).failed == WHY


def test_the_same_test_is_gone_on_with_and_another_needs_another_seed(evaluation, tmp_path):
    test = draw_test(evaluation, tmp_path, "pairs", ["a", "av"], BOTH, 4, 7)
    assert draw_test(evaluation, tmp_path, "pairs", ["a", "av"], BOTH, 4, 7) == test
    with pytest.raises(
        ConfigError, match=r"pairs_7: a test of 4 trials of a, av under 200ms, 400ms; take another seed"
    ):
        draw_test(evaluation, tmp_path, "pairs", ["a", "av"], BOTH, 5, 7)


@pytest.mark.parametrize(
    ("told", "settings"),
    [
        ("listening test 'abx': expected pairs or mushra", ("abx", ["a", "av"], BOTH, 4, 0)),
        ("0 trials: expected 1 to 500", ("pairs", ["a", "av"], BOTH, 0, 0)),
        ("seed -1: expected 0", ("pairs", ["a", "av"], BOTH, 4, -1)),
        ("has no system 'b', but unprocessed, a, av", ("pairs", ["a", "b"], BOTH, 4, 0)),
        ("a: choose two systems or more", ("pairs", ["a", "a"], BOTH, 4, 0)),
        ("unprocessed: every trial of mushra has it anyway", ("mushra", ["a", "unprocessed"], BOTH, 4, 0)),
        ("has no gaps of '../x', but of 200ms, 400ms", ("pairs", ["a", "av"], ["../x"], 4, 0)),
        ("choose the gaps", ("pairs", ["a", "av"], [], 4, 0)),
    ],
)
def test_settings_that_make_no_test_are_refused(evaluation, tmp_path, told, settings):
    with pytest.raises(ConfigError, match=told):
        draw_test(evaluation, tmp_path, *settings)
    assert not list(tmp_path.iterdir())


def test_each_listener_has_an_order_of_its_own_and_every_system_first_in_half_of_the_pairs(tmp_path):
    trials = [Trial("200ms", f"s01_{number:02d}", ("a", "av")) for number in range(20)]
    pairs = made(tmp_path / "pairs_3", "pairs", trials)
    assert pairs.order("ann") != pairs.order("bob") and sorted(pairs.order("ann")) == list(range(1, 21))
    for listener in ("ann", "bob", "cem"):
        first = Counter(pairs.positions(listener, number)[0] for number in range(1, 21))
        assert first == {"a": 10, "av": 10}
    versions = ("original", "unprocessed", "a", "av")
    scale = made(tmp_path / "mushra_3", "mushra", [Trial("200ms", "s01_00", versions)] * 20)
    placed = [scale.positions("ann", number) for number in range(1, 21)]
    assert all(sorted(each) == sorted(versions) for each in placed)
    assert len({each[0] for each in placed}) == 4
    assert placed[0] == ListeningTest.read(scale.folder).positions("ann", 1)  # after a restart too


def test_ratings_are_kept_at_once_with_what_they_are_of(tmp_path):
    test = made(tmp_path / "pairs_3", "pairs", [Trial("200ms", f"s01_{n}", ("a", "av")) for n in range(2)])
    first = test.order("ann")[0]
    assert next_trial(test, "ann") == (first, 0)
    add_ratings(test, "ann", first, [1, 0])
    assert next_trial(test, "ann") == (test.order("ann")[1], 1) and next_trial(test, "bob")[1] == 0
    with (tmp_path / "pairs_3" / "ann.csv").open() as file:
        one, two = csv.DictReader(file)
    assert ",".join(one) == "seed,listener,trial,system,utterance,condition,position,rating,time"
    assert [one["system"], two["system"]] == test.positions("ann", first)
    assert [(of["position"], of["rating"]) for of in (one, two)] == [("1", "1"), ("2", "0")]
    assert (one["seed"], one["listener"], one["trial"], one["condition"]) == ("3", "ann", str(first), "200ms")
    assert one["utterance"] == test.trials[first - 1].id and one["time"].endswith("+00:00")
    with pytest.raises(ConfigError, match=f"trial {first} is rated already"):
        add_ratings(test, "ann", first, [0, 1])
    add_ratings(test, "ann", test.order("ann")[1], [0.5, 0.5])
    assert next_trial(test, "ann") == (None, 2) and listeners(test) == ["ann"]


@pytest.mark.parametrize("values", [[1], [1, 1], [0.7, 0.3], [1, 0, 0], [float("nan"), 0]])
def test_what_is_no_answer_to_a_pair_is_refused(tmp_path, values):
    test = made(tmp_path / "pairs_3", "pairs", [Trial("200ms", "s01_0", ("a", "av"))])
    with pytest.raises(ConfigError, match="ratings of a pair: expected"):
        add_ratings(test, "ann", 1, values)
    assert not listeners(test)


@pytest.mark.parametrize("values", [[1, 2], [1, 2, 101], [1, 2, -1], [1, 2, float("nan")]])
def test_what_is_no_rating_is_refused(tmp_path, values):
    test = made(tmp_path / "mushra_3", "mushra", [Trial("200ms", "s01_0", ("original", "unprocessed", "a"))])
    with pytest.raises(ConfigError, match="ratings: expected 3 numbers from 0 to 100"):
        add_ratings(test, "ann", 1, values)
    with pytest.raises(ConfigError, match="trial 2: expected 1 to 1"):
        add_ratings(test, "ann", 2, [1, 2, 3])


@pytest.mark.parametrize("name", ["", " ", "../ann", "a/b", "a\\b", ".ann", "-ann", "a" * 41, "a\0", "a:b", "<a>"])
def test_names_that_could_lead_elsewhere_are_refused(name):
    with pytest.raises(ConfigError, match="expected a listener's name or number"):
        listener_name(name)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (" Jörg-2 ", "Jörg-2"),
        ("Anna  Mu\u0308ller", "Anna_Müller"),
        ("王 小明", "王_小明"),
        ("अनिता", "अनिता"),
        ("7", "7"),
    ],
)
def test_names_of_any_script_are_those_of_files(tmp_path, text, name):
    assert listener_name(text) == listener_name(name) == name
    test = made(tmp_path / "pairs_3", "pairs", [Trial("200ms", "s01_0", ("a", "av"))])
    add_ratings(test, name, 1, [1, 0])
    assert listeners(test) == [name] and next_trial(test, name) == (None, 1)


def test_a_broken_file_of_ratings_is_told_by_its_line(tmp_path):
    test = made(tmp_path / "pairs_3", "pairs", [Trial("200ms", "s01_0", ("a", "av"))])
    add_ratings(test, "ann", 1, [1, 0])
    path = test.folder / "ann.csv"
    text = path.read_text()
    short, another = f"{text}3,ann,x\n", text.replace("3,ann,1", "3,ann,9")
    cases = {short: r"ann.csv:4: expected", another: "no rating of the test", "seed\n": "expected the columns"}
    for broken, told in cases.items():
        path.write_text(broken)
        with pytest.raises(DataError, match=told):
            read_ratings(test, "ann")


@pytest.mark.parametrize(
    ("instead", "told"),
    [
        ([{"rating": "500"}], r"ann.csv:4: trial 1: ratings: expected 3 numbers from 0 to 100; mend its lines"),
        (
            [{"system": "b"}],
            r"ann.csv:2: found b, s01_0, 200ms; expected, in trial 1, original or low or a, s01_0, 200ms",
        ),
        ([{"utterance": "s01_1"}], r"ann.csv:2: found .*, s01_1, 200ms; expected"),
        ([{"condition": "400ms"}], r"ann.csv:2: found .*, s01_0, 400ms; expected"),
        ([{}, {}], r"ann.csv:3: rates .* in trial 1 again; remove one of both lines"),
        ([], r"ann.csv:3: trial 1: ratings: expected 3 numbers"),
    ],
)
def test_ratings_that_were_changed_by_hand_are_told_by_their_line(tmp_path, instead, told):
    test = made(tmp_path / "mushra_3", "mushra", [Trial("200ms", "s01_0", ("original", "low", "a"))])
    add_ratings(test, "ann", 1, [100, 90, 80])
    path = test.folder / "ann.csv"
    first, *others = csv.DictReader(path.read_text().splitlines())
    with path.open("w") as file:
        writer = csv.DictWriter(file, list(first))
        writer.writeheader()
        writer.writerows([*(first | changed for changed in instead), *others])
    with pytest.raises(DataError, match=told):
        read_ratings(test, "ann")


def test_a_pair_of_which_a_line_is_gone_is_no_answer(tmp_path):
    test = made(tmp_path / "pairs_3", "pairs", [Trial("200ms", "s01_0", ("a", "av"))])
    add_ratings(test, "ann", 1, [1, 0])
    path = test.folder / "ann.csv"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:2]))
    with pytest.raises(DataError, match=r"ann.csv:2: trial 1: ratings of a pair: expected \[1, 0\]"):
        read_ratings(test, "ann")


def at_once(*calls) -> list[object]:
    """What each of some calls in threads of their own returned, or its error."""
    ready = threading.Barrier(len(calls))

    def run(call):
        ready.wait()
        try:
            return call()
        except AvsiError as error:
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def test_listeners_who_answer_at_once_wait_for_each_other(tmp_path):
    test = made(tmp_path / "pairs_3", "pairs", [Trial("200ms", f"s01_{n}", ("a", "av")) for n in range(3)])
    names = [f"listener{number}" for number in range(8)]
    for trial in (1, 2, 3):
        assert at_once(*(partial(add_ratings, test, name, trial, [1, 0]) for name in names)) == [None] * 8
    assert all(next_trial(test, name) == (None, 3) for name in names)
    with locked(test.folder), pytest.raises(DataError, match="another process is at work on it"), locked(test.folder):
        pass


def test_of_two_draws_at_once_one_is_kept(evaluation, tmp_path):
    draws = [partial(draw_test, evaluation, tmp_path, "pairs", ["a", "av"], BOTH, trials, 7) for trials in (4, 5)]
    found = at_once(*draws)
    [kept] = [each for each in found if isinstance(each, ListeningTest)]
    [refused] = [each for each in found if isinstance(each, ConfigError)]
    assert read_tests(tmp_path) == ([kept], {}) and f"a test of {len(kept.trials)} trials" in str(refused)


def test_no_test_is_drawn_where_ratings_of_another_are(evaluation, tmp_path):
    test = draw_test(evaluation, tmp_path, "pairs", ["a", "av"], BOTH, 4, 7)
    add_ratings(test, "ann", 1, [1, 0])
    (test.folder / "test.json").unlink()
    with pytest.raises(ConfigError, match=r"pairs_7: holds ratings \(ann.csv\), but the test .* is gone; move"):
        draw_test(evaluation, tmp_path, "pairs", ["unprocessed", "a"], BOTH, 4, 7)
    assert [path.name for path in test.folder.iterdir()] == ["ann.csv"]


def test_each_figure_says_of_how_many_trials_it_is(tmp_path):
    pairs = [("a", "av")] * 2 + [("a", "b"), ("b", "av")]
    trials = [Trial("200ms", f"s01_{n}", of) for n, of in enumerate(pairs)]
    test = made(tmp_path / "pairs_3", "pairs", trials, ("a", "av", "b"))
    for number in (1, 2, 3, 4):
        add_ratings(test, "ann", number, [0.5, 0.5])
    means, differences = outcome_tables(test)
    counts = {row[0]: row[1].split("\n")[2] for row in (*means.rows, *differences.rows)}
    assert counts == {
        "a": "n = 3", "av": "n = 3", "b": "n = 2",
        "av against a": "n = 2", "b against a": "n = 1", "b against av": "n = 1",
    }  # fmt: skip
    assert "4 rated trials" in means.caption and "n: how many of the trials" in means.caption
    assert '"No difference" counts half' in means.caption and [row[1][:5] for row in means.rows] == ["0.500"] * 3


def test_a_file_of_ratings_that_cannot_be_read_is_named_and_the_others_count(tmp_path):
    test = made(tmp_path / "pairs_3", "pairs", [Trial("200ms", "s01_0", ("a", "av"))])
    add_ratings(test, "ann", 1, [1, 0])
    content = (test.folder / "ann.csv").read_text()
    (test.folder / "copy of ann.csv").write_text(content)
    for table in outcome_tables(test):
        assert "1 rated trial of 1 listener" in table.caption
        assert re.search(
            r"Not counted: .*copy of ann.csv:2: found .* listener ann, .* is no rating of the test pairs_3",
            table.caption,
        )
    (test.folder / "ann.csv").unlink()
    with pytest.raises(DataError, match=r"copy of ann.csv:2"):
        outcome_tables(test)


def test_preferences_are_shares_of_the_pairs(tmp_path):
    test = made(tmp_path / "pairs_3", "pairs", [Trial("200ms", f"s01_{n}", ("a", "av")) for n in range(8)])
    assert outcome_tables(test) == []
    for listener in ("ann", "bob", "cem"):
        for number in range(1, 9):
            versions = test.positions(listener, number)
            better = "a" if number == 1 else "av"
            add_ratings(test, listener, number, [float(name == better) for name in versions])
    means, differences = outcome_tables(test)
    assert [(row[0], row[1].split("\n")[0]) for row in means.rows] == [("a", "0.125"), ("av", "0.875")]
    assert "24 rated trials of 3 listeners" in means.caption and "listeners and their trials" in means.caption
    assert differences.rows[0][0] == "av against a" and differences.rows[0][1].startswith("+0.375\n[")


def test_ratings_are_compared_on_the_same_trials_and_who_missed_the_original_is_named(tmp_path):
    versions = ("original", "unprocessed", "a", "av")
    test = made(tmp_path / "mushra_3", "mushra", [Trial("200ms", f"s01_{n}", versions) for n in range(6)])
    for listener, original in (("ann", 100), ("bob", 60)):
        for number in range(1, 7):
            told = {"original": original, "unprocessed": 5, "a": 40 + number, "av": 60 + number + number % 2}
            add_ratings(test, listener, number, [told[name] for name in test.positions(listener, number)])
    means, differences = outcome_tables(test)
    found = {row[0]: row[1].split("\n")[0] for row in means.rows}
    assert found == {"original": "80.0", "unprocessed": "5.0", "a": "43.5", "av": "64.0"}
    assert means.caption.endswith("(they are counted here): bob.")
    [[pair, cell]] = differences.rows
    mean, interval, count, said = cell.split("\n")
    assert (pair, mean, count, said) == ("av against a", "+20.5", "n = 12", "better") and interval.startswith("[+")
    assert (0, 1) in differences.bold and means.header == ["System", "200 ms\n(0 to 100)"]


@pytest.mark.parametrize(("answers", "said"), [(2, "too few trials"), (5, "too few trials"), (6, "all alike")])
def test_answers_that_are_few_or_all_alike_say_nothing_of_others(tmp_path, answers, said):
    test = made(tmp_path / "pairs_3", "pairs", [Trial("200ms", f"s01_{n}", ("a", "av")) for n in range(answers)])
    for number in range(1, answers + 1):
        add_ratings(test, "ann", number, [float(name == "av") for name in test.positions("ann", number)])
    means, differences = outcome_tables(test)
    assert (
        differences.rows == [["av against a", f"+0.500\n(no interval)\nn = {answers}\n{said}"]] and not differences.bold
    )
    assert means.rows == [
        [name, f"{mean}\n(no interval)\nn = {answers}"] for name, mean in (("a", "0.000"), ("av", "1.000"))
    ]


def test_intervals_end_where_the_scale_does(tmp_path):
    test = made(tmp_path / "pairs_3", "pairs", [Trial("200ms", f"s01_{n}", ("a", "av")) for n in range(4)])
    for listener, other in (("ann", 1), ("bob", 4)):  # two listeners: wide
        for number in range(1, 5):
            better = "a" if number == other else "av"
            add_ratings(test, listener, number, [float(name == better) for name in test.positions(listener, number)])
    means, differences = outcome_tables(test)
    assert means.rows == [["a", "0.250\n[0.000, 1.000]\nn = 8"], ["av", "0.750\n[0.000, 1.000]\nn = 8"]]
    assert differences.rows == [["av against a", "+0.250\n[-0.500, +0.500]\nn = 8"]]
