"""What changed between two transcripts."""

import pytest

from avsi.words.changes import Change, find_changes
from avsi.words.transcript import spoken_words


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("bin blue at f two now", "bin green at f two now", [("replaced", "blue", "green")]),
        ("bin blue at f two now", "Bin blue, at F 2 now!", []),
        (
            "it costs $3.50",
            "it costs three dollars and fifty cents",
            [("replaced", "$3.50", "three dollars and fifty cents")],
        ),
        ("bin blue at f two now", "set blue at f two now", [("replaced", "bin", "set")]),
        ("bin blue at f two now", "bin blue at f two soon", [("replaced", "now", "soon")]),
        ("bin blue at f two now", "blue at f two now", [("removed", "bin", "")]),
        ("bin blue at f two now", "bin blue at f two", [("removed", "now", "")]),
        ("bin blue at f two now", "please bin blue at f two now", [("inserted", "", "please")]),
        ("bin blue at f two now", "bin blue at f two now please", [("inserted", "", "please")]),
        ("bin blue now", "bin very very blue now", [("inserted", "", "very very")]),
        ("bin blue at f two now", "bin green at g two now", [("replaced", "blue", "green"), ("replaced", "f", "g")]),
        ("no no no", "no no", [("removed", "no", "")]),
        ("bin blue now", "set red then", [("replaced", "bin blue now", "set red then")]),
        ("one two three four", "one three five four", [("removed", "two", ""), ("inserted", "", "five")]),
    ],
)
def test_words_are_replaced_inserted_and_removed(before, after, expected):
    old, new = spoken_words(before), spoken_words(after)

    def text(words):
        return " ".join(word.written for word in words)

    assert [
        (change.kind, text(old[change.start : change.stop]), text(new[change.new_start : change.new_stop]))
        for change in find_changes(old, new)
    ] == expected


def test_a_change_is_widened_and_joined_with_the_words_around_it():
    assert Change(2, 3, 2, 4).widened(1, 2) == Change(1, 5, 1, 6)
    assert Change(2, 2, 2, 3).widened(1, 0).kind == "replaced"
    assert Change(0, 1, 0, 0).joined(Change(3, 4, 2, 5)) == Change(0, 4, 0, 5)
