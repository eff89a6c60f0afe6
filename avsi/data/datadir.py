"""Kaldi data directories: sorted text files, one line an utterance; Python sees only :class:`Utterance`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from ..errors import DataError
from ..files import read_lines, write_text
from ..folders import files_together
from ..video.tracks import Tracks
from .matrices import check_path, check_place, read_matrix

# Files with one line for every utterance, and those that may lack some.
COMPLETE = ("wav.scp", "text", "utt2spk", "utt2dur")
PARTIAL = ("video.scp", "landmarks.scp")
# What programs make of the utterances that there are, and what goes when they change.
MADE_OF = ("gaps_*", "stats.npz", "landmarks_lost", "landmarks_failed", "landmarks_notes")
CORPUS = "corpus"  # the name of the corpus, on one line
UNNAMED = "unnamed corpus"
SPLIT = "split"  # by which the corpus was divided, on one line
DEVELOPMENT = "development"  # of a set on which something was chosen, what that was, on one line; a test set has none


@dataclass(frozen=True)
class Utterance:
    """One utterance.

    Attributes:
        id: speaker and name, such as ``s01_bbaf2n``, so that ids and speakers sort alike.
        wav: path of its sound.
        duration_s: length of its sound.
        words: its transcript.
        video: path of its video; None without one.
        alignment: (start_s, duration_s, word) of each word; empty where it is not known.
        landmarks: ``path:offset`` in a Kaldi archive; None before they are extracted.
    """

    id: str
    speaker: str
    wav: str
    duration_s: float
    words: tuple[str, ...] = ()
    video: str | None = None
    alignment: tuple[tuple[float, float, str], ...] = field(default=(), repr=False)
    landmarks: str | None = None

    def load_landmarks(self) -> Tracks:
        """Raises DataError where they have not been extracted, or the archive is gone or damaged."""
        if self.landmarks is None:
            raise DataError(f"{self.id}: has no landmarks; run python -m data_prep.landmarks on its data directory")
        try:
            return Tracks.from_matrix(read_matrix(self.landmarks))
        except (OSError, DataError) as error:
            raise DataError(f"{self.id}: its landmarks cannot be read from {self.landmarks} ({error})") from error


def write_datadir(
    path: str | Path, utterances: list[Utterance], corpus: str | None = None, split: str | None = None
) -> None:
    """Write every file of a data directory that the utterances fill, sorted as Kaldi wants it.

    Args:
        corpus: what the corpus is called; None leaves the name as it is.
        split: by which split it was divided; None leaves that as it is.

    Raises:
        DataError: no utterances, or two of the same id.
    """
    path = Path(path)
    utterances = sorted(utterances, key=lambda u: u.id)
    if not utterances:
        raise DataError(f"{path}: no utterances to write")
    for one, two in pairwise(utterances):
        if one.id == two.id:
            raise DataError(f"{path}: utterance {one.id} occurs twice")
    columns = {
        "wav.scp": {u.id: u.wav for u in utterances},
        "text": {u.id: " ".join(u.words) for u in utterances},
        "utt2spk": {u.id: u.speaker for u in utterances},
        "utt2dur": {u.id: f"{u.duration_s:.6f}" for u in utterances},
        "video.scp": {u.id: u.video for u in utterances if u.video},
        "landmarks.scp": {u.id: u.landmarks for u in utterances if u.landmarks},
    }
    texts = {name: "".join(f"{key} {value}\n" for key, value in of.items()) for name, of in columns.items() if of}
    texts |= {name: f"{line}\n" for name, line in ((CORPUS, corpus), (SPLIT, split)) if line is not None}
    texts["spk2utt"] = _spk2utt({u.id: u.speaker for u in utterances})
    texts["align"] = "".join(
        f"{u.id} {start:.3f} {length:.3f} {word}\n" for u in utterances for start, length, word in u.alignment
    )
    with files_together(path, instead_of=PARTIAL) as folder:
        for name, text in texts.items():
            write_text(folder / name, text)


def read_datadir(path: str | Path) -> list[Utterance]:
    """The utterances of a data directory in the order of their ids.

    Raises:
        DataError: as :func:`validate`.
    """
    validate(path)
    path = Path(path)
    columns = {name: read_table(path / name) for name in (*COMPLETE, *PARTIAL)}
    alignments: dict[str, list] = {}
    for line in _lines(path / "align"):
        id_, start, length, word = line.split()
        alignments.setdefault(id_, []).append((float(start), float(length), word))
    return [
        Utterance(
            id=id_,
            speaker=columns["utt2spk"][id_],
            wav=wav,
            duration_s=float(columns["utt2dur"][id_]),
            words=tuple(columns["text"][id_].split()),
            video=columns["video.scp"].get(id_),
            alignment=tuple(alignments.get(id_, ())),
            landmarks=columns["landmarks.scp"].get(id_),
        )
        for id_, wav in columns["wav.scp"].items()
    ]


def corpus_of(path: str | Path) -> str:
    """The name of the corpus that a data directory is part of."""
    lines = _lines(Path(path) / CORPUS)
    return lines[0] if lines else UNNAMED


def split_of(path: str | Path) -> str:
    """The split that a data directory is part of; "" where it does not say."""
    return "".join(_lines(Path(path) / SPLIT)[:1])


def development_of(path: str | Path) -> str:
    """What was chosen on the set in a data directory; "" where nothing was."""
    return "".join(_lines(Path(path) / DEVELOPMENT)[:1])


def validate(path: str | Path) -> None:
    """Check a data directory by Kaldi's rules (``utils/validate_data_dir.sh``): sorted, unique, one-to-one; and that
    its lists name files, and no command that Kaldi would run.

    Raises:
        DataError: naming the file and the line that breaks a rule.
    """
    path = Path(path)
    if not (path / "wav.scp").is_file():
        raise DataError(f"{path}: not a data directory (it has no wav.scp)")
    ids = list(read_table(path / "wav.scp"))
    if not ids:
        raise DataError(f"{path / 'wav.scp'}: is empty")
    for name in COMPLETE:
        _same_ids(path / name, list(read_table(path / name)), ids)
    for name in PARTIAL:
        _known_ids(path / name, read_table(path / name), set(ids))
    for name in ("wav.scp", "video.scp"):
        _check_values(path / name, check_path)
    _check_values(path / "landmarks.scp", check_place)
    _known_ids(path / "align", {line.split(" ", 1)[0]: "" for line in _lines(path / "align")}, set(ids))
    _check_numbers(path)
    speakers = read_table(path / "utt2spk")
    order = [speakers[id_] for id_ in ids]
    if order != sorted(order):
        line = next(i for i, (one, two) in enumerate(pairwise(order), start=2) if one > two)
        raise DataError(f"{path / 'utt2spk'}:{line}: speakers are out of order; ids must begin with the speaker")
    if _lines(path / "spk2utt") != _spk2utt(speakers).splitlines():
        raise DataError(f"{path / 'spk2utt'}: does not say what utt2spk says; data_prep.validate --fix makes it anew")


def _spk2utt(speakers: dict[str, str]) -> str:
    """The text of spk2utt from that of utt2spk, by id."""
    of: dict[str, list[str]] = {}
    for id_ in sorted(speakers):
        of.setdefault(speakers[id_], []).append(id_)
    return "".join(f"{speaker} {' '.join(ids)}\n" for speaker, ids in sorted(of.items()))


def fix_datadir(path: str | Path) -> list[str]:
    """Sort each file, keep the utterances that all complete files know, and return the ids left out with the reason."""
    path = Path(path)
    columns = {
        name: read_table(path / name, ordered=False) for name in (*COMPLETE, *PARTIAL) if (path / name).is_file()
    }
    everywhere = set.intersection(*(set(columns.get(name, {})) for name in COMPLETE))
    left_out = [
        f"{id_} not in {', '.join(name for name in COMPLETE if id_ not in columns.get(name, {}))}"
        for id_ in sorted({id_ for name in COMPLETE for id_ in columns.get(name, {})} - everywhere)
    ]
    if not everywhere:
        raise DataError(f"{path}: no utterance is in all of {', '.join(COMPLETE)}")
    lines = sorted(
        (line for line in _lines(path / "align") if line.split(" ", 1)[0] in everywhere),
        key=lambda line: (line.split()[0], float(line.split()[1])),
    )
    with files_together(path) as folder:
        for name, column in columns.items():
            write_text(folder / name, "".join(f"{id_} {column[id_]}\n" for id_ in sorted(column) if id_ in everywhere))
        write_text(folder / "spk2utt", _spk2utt({id_: columns["utt2spk"][id_] for id_ in everywhere}))
        write_text(folder / "align", "".join(f"{line}\n" for line in lines))
    validate(path)
    return left_out


def read_table(path: Path, ordered: bool = True) -> dict[str, str]:
    """Lines ``<key> <value>`` as a dictionary; empty where there is no such file.

    Raises:
        DataError: a line without a key, a key twice, or (ordered) a key out of Kaldi's order, which is that of the
        bytes.
    """
    table: dict[str, str] = {}
    previous = ""
    for number, line in enumerate(_lines(path), start=1):
        key, _, value = line.partition(" ")
        if not key:
            raise DataError(f"{path}:{number}: expected '<id> <value>', found '{line}'")
        if key in table:
            raise DataError(f"{path}:{number}: {key} occurs twice")
        if ordered and key.encode() < previous.encode():
            raise DataError(
                f"{path}:{number}: {key} is out of order (LC_ALL=C sort); data_prep.validate --fix sorts it"
            )
        table[key] = value.strip()
        previous = key
    return table


def _lines(path: Path) -> list[str]:
    if not path.is_file():
        return []
    return read_lines(path)


def _same_ids(path: Path, found: list[str], expected: list[str]) -> None:
    for number, (one, two) in enumerate(zip(found, expected, strict=False), start=1):
        if one != two:
            raise DataError(f"{path}:{number}: found {one} where wav.scp has {two}; each id must stand in both")
    if len(found) != len(expected):
        raise DataError(f"{path}: has {len(found)} lines where wav.scp has {len(expected)}")


def _known_ids(path: Path, found: dict[str, str], expected: set[str]) -> None:
    for number, id_ in enumerate(found, start=1):
        if id_ not in expected:
            raise DataError(f"{path}:{number}: {id_} is not in wav.scp")


def read_places(path: Path) -> dict[str, str]:
    """By id, the ``path:offset`` of a matrix. Raises DataError naming a line that is something else."""
    _check_values(path, check_place)
    return read_table(path)


def _check_values(path: Path, check: Callable[[str], object]) -> None:
    for number, value in enumerate(read_table(path).values(), start=1):
        try:
            check(value)
        except DataError as error:
            raise DataError(f"{path}:{number}: {error}") from None


def _check_numbers(path: Path) -> None:
    for number, (id_, value) in enumerate(read_table(path / "utt2dur").items(), start=1):
        try:
            good = float(value) > 0
        except ValueError:
            good = False
        if not good:
            raise DataError(f"{path / 'utt2dur'}:{number}: {id_} lasts '{value}', expected seconds above 0")
    for number, line in enumerate(_lines(path / "align"), start=1):
        parts = line.split()
        try:
            good = len(parts) == 4 and float(parts[1]) >= 0 and float(parts[2]) >= 0
        except ValueError:
            good = False
        if not good:
            raise DataError(
                f"{path / 'align'}:{number}: expected '<utt> <start_s> <duration_s> <word>', found '{line}'"
            )
