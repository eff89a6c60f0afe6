"""Where gaps are opened for other words, how long they are, and when the words are then said."""

import copy
import math

import numpy as np
import pytest
import torch
from conftest import RATE, small_config

from avsi.config import AlignerConfig, DurationsConfig
from avsi.errors import DataError
from avsi.models.aligner import PhoneAligner
from avsi.models.durations import USUAL_S, DurationModel
from avsi.restoring.edit_planning import NewWord, plan_edits
from avsi.words.alignment import AlignedWord, Alignment, Phone
from avsi.words.changes import find_changes
from avsi.words.pronouncing import ARPABET
from avsi.words.transcript import Word

FRAME_S = 0.012


@pytest.fixture(scope="module")
def model():
    """An aligner of which vowels usually last 10 frames, and all else 5."""
    model = PhoneAligner(small_config(AlignerConfig), None, ARPABET)
    usual = [10.0 if phone[0] in "AEIOU" else 5.0 for phone in ARPABET]
    model.length_mean = torch.tensor([1.0, *usual]).log()
    return model


def recording(*words: tuple[str, float, str]) -> Alignment:
    """Words (text, start, phones) of usual lengths, times that of the recording being 3 s."""
    said = []
    for text, start_s, labels in words:
        phones = []
        for label in labels.split():
            end_s = start_s + FRAME_S * (10 if label[0] in "AEIOU" else 5)
            phones.append(Phone(label, start_s, end_s, 0.5))
            start_s = end_s
        said.append(AlignedWord(text, phones[0].start_s, phones[-1].end_s, 0.5, tuple(phones)))
    return Alignment(tuple(said), 3.0)


# bin 0.50-0.74, blue 0.74-0.98, a pause of 100 ms, now 1.08-1.26
SAID = recording(("bin", 0.5, "B IH N"), ("blue", 0.74, "B L UW"), ("now", 1.08, "N AW"))
PHONES = {"bin": "B IH N", "blue": "B L UW", "now": "N AW", "green": "G R IY N", "so": "S OW", "a": "AH"}


def plan(model, say: str, said=SAID, keep_length=False, start_s=0.0, duration_s=3.0, rate=RATE):
    old = [Word(word.text, (word.text,)) for word in said.words]
    new = [Word(text, (text,)) for text in say.split()]
    words = [NewWord(word.written, tuple(PHONES[word.written].split())) for word in new]
    return plan_edits(model, said, words, find_changes(old, new), round(duration_s * rate), rate, start_s, keep_length)


def times(planned) -> list[tuple[str, float, float]]:
    return [(word.text, round(word.start_s, 3), round(word.end_s, 3)) for word in planned.alignment.words]


def test_a_longer_word_takes_its_usual_time_and_moves_what_comes_after(model):
    [edit] = (planned := plan(model, "bin green now")).edits
    # 20 ms (a third of a phone) inside "bin", 30 ms into the pause; "green" takes 0.30 s for the 0.24 s of "blue"
    assert (edit.kind, edit.before, edit.words) == ("replaced", "blue", "green")
    assert (edit.was.start_s, edit.was.end_s) == pytest.approx((0.72, 1.01))
    assert (edit.now.start_s, edit.now.end_s) == pytest.approx((0.72, 1.07))
    assert edit.splice == (11520, 16160, 4640 + 960) and edit.start == 11520
    assert edit.slowness == pytest.approx(1.0)
    assert times(planned) == [("bin", 0.5, 0.74), ("green", 0.74, 1.04), ("now", 1.14, 1.32)]
    assert planned.alignment.duration_s == pytest.approx(3.06) and planned.n_samples == 3 * RATE + 960
    green = planned.alignment.words[1].phones
    assert [phone.label for phone in green] == ["G", "R", "IY", "N"]
    assert [phone.end_s - phone.start_s for phone in green] == pytest.approx([0.06, 0.06, 0.12, 0.06])


def test_a_duration_model_says_how_long_new_phones_are(model):
    """One by which each lasts 160 ms, whatever is beside it."""
    durations = DurationModel(small_config(DurationsConfig), None, ARPABET)
    torch.nn.init.zeros_(durations.to_lengths.weight)
    with torch.no_grad():
        durations.to_lengths.bias[0] = math.log(0.16 / USUAL_S)
    model = copy.deepcopy(model)
    model.durations = durations.eval()
    planned = plan(model, "bin so now")
    assert times(planned) == [("bin", 0.5, 0.74), ("so", 0.74, 1.06), ("now", 1.16, 1.34)]


@pytest.mark.parametrize(
    ("say", "told"),
    [
        ("bin so now", "- B IH N S OW N AW -"),
        ("so blue now", "S OW B L UW - N AW -"),
        ("bin now", "- B IH N N AW -"),
        ("bin blue so", "- B IH N B L UW S OW"),
        ("bin blue so now", "- B IH N B L UW S OW N AW -"),
    ],
)
def test_a_duration_model_is_told_the_pauses_that_stay(model, say, told):
    """Of half a second before the words, 0.1 s before "now", and 1.74 s after it, frames being of 12 ms."""
    asked = []

    class Durations:
        def predict(self, labels, known):
            asked.append((labels, known))
            return np.zeros(len(labels)), np.ones(len(labels))

    model = copy.copy(model)
    model.durations = Durations()
    planned = plan(model, say)
    [(labels, known)] = asked
    assert [("-", *ARPABET)[label] for label in labels] == told.split()
    pauses = {0: 0.5, len(labels) - 1: 1.74}
    for place, (label, n_frames) in enumerate(zip(told.split(), known, strict=True)):
        if label == "-":
            assert n_frames == pytest.approx(pauses.get(place, 0.1) / FRAME_S)
        else:
            assert math.isnan(n_frames) == (label in ("S", "OW"))
    assert [word.text for word in planned.alignment.words] == say.split()


def test_into_a_gap_that_keeps_its_length_the_phones_are_scaled(model):
    [edit] = (planned := plan(model, "bin green now", keep_length=True)).edits
    assert edit.splice == (11520, 16160, 4640) and edit.was == edit.now
    assert edit.slowness == pytest.approx(0.8)
    assert times(planned) == [("bin", 0.5, 0.74), ("green", 0.74, 0.98), ("now", 1.08, 1.26)]


def test_a_slow_speaker_says_new_words_slowly(model):
    words = [("bin", 0.5, "B IH N"), ("blue", 0.74, "B L UW"), ("now", 1.08, "N AW")]
    twice = [
        AlignedWord(
            text,
            2 * word.start_s,
            2 * word.end_s,
            0.5,
            tuple(Phone(each.label, 2 * each.start_s, 2 * each.end_s) for each in word.phones),
        )
        for (text, *_), word in zip(words, SAID.words, strict=True)
    ]
    slow = plan(model, "bin green now", Alignment(tuple(twice), 3.0)).alignment.words[1]
    # 8 phones that last twice as long as usual, against 10 that count as usual
    assert slow.end_s - slow.start_s == pytest.approx(0.3 * 2 ** (8 / 18), abs=1e-4)


def test_of_what_is_removed_the_neighbours_join_and_the_shorter_pause_goes(model):
    [edit] = (planned := plan(model, "bin now")).edits
    assert (edit.kind, edit.words, edit.slowness) == ("removed", "", 1.0)
    assert (edit.was.start_s, edit.was.end_s) == pytest.approx((0.72, 1.01))
    assert edit.now.length_s == pytest.approx(0.05)
    assert times(planned) == [("bin", 0.5, 0.74), ("now", 0.84, 1.02)]
    # Between two pauses, of 300 and 200 ms, 60 ms of the second stay.
    said = recording(("bin", 0.5, "B IH N"), ("blue", 1.04, "B L UW"), ("now", 1.48, "N AW"))
    [edit] = (planned := plan(model, "bin now", said)).edits
    assert (edit.was.start_s, edit.was.end_s) == pytest.approx((1.01, 1.45))
    assert times(planned) == [("bin", 0.5, 0.74), ("now", 1.10, 1.28)]


@pytest.mark.parametrize("begin_s", [0.0, 0.016, 0.5])
@pytest.mark.parametrize("length_s", [0.048, 0.080, 0.112, 0.144])
@pytest.mark.parametrize("say", ["so now", "bin now", "bin so"])
def test_without_a_pause_words_join_at_rates_of_which_their_times_are_no_whole_samples(model, begin_s, length_s, say):
    times_s = [begin_s + length_s * number for number in range(4)]
    words = [
        AlignedWord(text, start_s, end_s, 0.5, (Phone("N", start_s, end_s),))
        for text, start_s, end_s in zip(("bin", "so", "now"), times_s, times_s[1:], strict=False)
    ]
    duration_s = round(44100 * times_s[-1] + 0.5) / 44100
    planned = plan(model, say, Alignment(tuple(words), duration_s), duration_s=duration_s, rate=44100)
    first, second = planned.alignment.words
    assert first.start_s > -1e-7 and first.start_s - begin_s < 1 / 44100
    assert -1e-7 < second.start_s - first.end_s < 1 / 44100
    assert planned.n_samples / 44100 >= second.end_s


def test_into_the_place_of_what_is_removed_the_longest_pause_is_copied(model):
    said = recording(("bin", 0.5, "B IH N"), ("blue", 1.04, "B L UW"), ("now", 1.48, "N AW"))
    [edit] = (planned := plan(model, "bin now", said, keep_length=True)).edits
    assert edit.was == edit.now and times(planned) == [("bin", 0.5, 0.74), ("now", 1.48, 1.66)]
    assert edit.copies == ((17120, 27360, 2880, False),)  # 1.07 to 1.25 s, from 1.71 s on
    assert planned.lost == [(16160, 17120), (20000, 20960)]
    # 70 ms of a pause are copied as often as it takes, and there and back, so that they join.
    said = recording(("bin", 0.0, "B IH N"), ("blue", 0.44, "B L UW"), ("now", 0.68, "N AW"))
    [edit] = (planned := plan(model, "bin now", said, keep_length=True, duration_s=0.9)).edits
    assert edit.copies == ((7520, 4640, 1120, False), (8640, 4640, 1120, True), (9760, 4640, 640, False))
    assert planned.lost == [(6560, 7520), (10400, 11200)]
    said = recording(("bin", 0.0, "B IH N"), ("so", 0.44, "S OW"), ("now", 0.62, "N AW"))
    [edit] = plan(model, "bin now", said, keep_length=True, duration_s=0.84).edits
    assert edit.copies == ((7520, 4640, 1120, False), (8640, 4960, 800, True))
    # Without a pause, or where there is no room for one, all is restored.
    said = recording(("bin", 0.0, "B IH N"), ("blue", 0.24, "B L UW"), ("now", 0.48, "N AW"))
    assert plan(model, "bin now", said, keep_length=True, duration_s=0.7).edits[0].copies == ()
    said = recording(("bin", 0.5, "B IH N"), ("b", 0.74, "B"), ("now", 0.80, "N AW"))
    [edit] = plan(model, "bin now", said, keep_length=True).edits
    assert edit.copies == () and edit.lost == [(edit.start, edit.start + edit.splice[2])]


def test_words_are_inserted_at_the_boundary(model):
    [edit] = (planned := plan(model, "bin so blue now")).edits
    assert edit.kind == "inserted"
    assert (edit.was.start_s, edit.was.end_s) == pytest.approx((0.72, 0.76))
    assert times(planned)[1:3] == [("so", 0.74, 0.92), ("blue", 0.92, 1.16)]
    [edit] = (planned := plan(model, "bin blue so now")).edits  # in the middle of the pause
    assert (edit.was.start_s, edit.was.end_s) == pytest.approx((1.005, 1.055))
    assert times(planned)[2:] == [("so", 1.03, 1.21), ("now", 1.26, 1.44)]


def test_at_the_ends_new_words_lie_close_to_the_others(model):
    [edit] = (planned := plan(model, "so bin blue now")).edits
    assert (edit.was.start_s, edit.was.end_s) == pytest.approx((0.41, 0.47))
    assert times(planned)[:2] == [("so", 0.44, 0.62), ("bin", 0.68, 0.92)]
    [edit] = (planned := plan(model, "bin blue now so")).edits
    assert (edit.was.start_s, edit.was.end_s) == pytest.approx((1.29, 1.35))
    assert times(planned)[2:] == [("now", 1.08, 1.26), ("so", 1.32, 1.50)]
    assert plan(model, "blue now").edits[0].was.start_s == pytest.approx(0.47)
    assert plan(model, "bin blue").edits[0].was.end_s == pytest.approx(1.29)


def test_without_room_the_pause_and_then_the_neighbours_are_taken(model):
    [edit] = (planned := plan(model, "bin blue a now", keep_length=True)).edits
    # 120 ms of sound into the pause of 100 ms
    assert (edit.before, edit.words) == ("", "a")
    assert edit.slowness == pytest.approx(0.1 / 0.12)
    assert times(planned)[2:] == [("a", 0.98, 1.08), ("now", 1.08, 1.26)]
    [edit] = (planned := plan(model, "bin so blue now", keep_length=True)).edits
    assert (edit.before, edit.words, edit.kind) == ("bin blue", "bin so blue", "replaced")
    assert edit.slowness == pytest.approx(0.48 / 0.66)
    assert planned.n_samples == 3 * RATE and times(planned)[3] == ("now", 1.08, 1.26)


def test_no_more_than_two_words_at_each_side_are_said_anew(model):
    said = recording(*((word, 0.24 * number, "B IH N") for number, word in enumerate(["bin"] * 8)))
    [edit] = plan(model, "bin bin bin bin " + "so now so now green blue " * 3 + "bin bin bin bin", said, True).edits
    assert edit.before == "bin bin bin bin"
    assert edit.slowness < 0.5


def test_with_much_room_the_rest_is_silence(model):
    said = recording(("bin", 0.5, "B IH N"), ("green", 0.74, "G R IY N"), ("now", 1.08, "N AW"))
    [edit] = (planned := plan(model, "bin a now", said, keep_length=True)).edits
    assert edit.slowness == 1.5
    assert times(planned)[1] == ("a", 0.8, 0.98)  # 60 ms of silence before and after it


def test_changes_that_lie_close_together_are_one(model):
    said = recording(("bin", 0.5, "B IH N"), ("a", 0.74, "AH"), ("now", 0.86, "N AW"))
    [edit] = (planned := plan(model, "so a blue", said)).edits
    assert (edit.before, edit.words) == ("bin a now", "so a blue")
    assert times(planned) == [("so", 0.5, 0.68), ("a", 0.68, 0.8), ("blue", 0.8, 1.04)]
    first, second = plan(model, "so blue a").edits
    assert (first.before, second.before) == ("bin", "now")
    assert second.start == second.splice[0] + first.splice[2] - (first.splice[1] - first.splice[0])


def test_a_words_time_as_it_is_said_is_kept_where_it_is_said_anew(model):
    said = recording(("bin", 0.5, "B IH N"), ("a", 0.74, "AH"), ("now", 0.86, "N AW"))
    first, _, last = said.words
    short = AlignedWord("a", 0.76, 0.83, 0.5, (Phone("AH", 0.76, 0.83),))
    words = plan(model, "so a blue", Alignment((first, short, last), 3.0)).alignment.words
    assert words[1].end_s - words[1].start_s == pytest.approx(0.07, abs=1e-4)


def test_the_clock_of_a_player_is_kept(model):
    later = Alignment(tuple(_later(word, 0.4) for word in SAID.words), 3.4)
    one, two = plan(model, "bin green now"), plan(model, "bin green now", later, start_s=0.4)
    assert one.splices == two.splices and one.lost == two.lost
    assert two.edits[0].now.start_s == pytest.approx(one.edits[0].now.start_s + 0.4)
    assert times(two)[2] == ("now", 1.54, 1.72)
    assert two.alignment.duration_s == pytest.approx(3.46)


def _later(word: AlignedWord, by_s: float) -> AlignedWord:
    phones = tuple(Phone(each.label, each.start_s + by_s, each.end_s + by_s) for each in word.phones)
    return AlignedWord(word.text, word.start_s + by_s, word.end_s + by_s, None, phones)


def test_without_a_pause_at_the_ends_the_gap_reaches_them(model):
    whole = recording(("bin", 0.0, "B IH N"), ("blue", 0.24, "B L UW"))
    assert plan(model, "so blue", whole).edits[0].splice[:2] == (0, 4160)
    assert math.isclose(plan(model, "so blue", whole).alignment.words[0].start_s, 0.0, abs_tol=1e-9)


def test_phones_that_the_aligner_does_not_know_are_refused():
    model = PhoneAligner(small_config(AlignerConfig), None, ("AH", "B", "IH", "L", "N", "UW", "AW"))
    with pytest.raises(DataError, match="the model does not know the phones G, IY, R, but"):
        plan(model, "bin green now")
