"""Kaldi data directories: sorted text files, one line an utterance; Python sees only :class:`Utterance`."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np

from ..errors import DataError
from ..files import read_lines, write_text
from ..folders import files_together
from ..video.tracks import Tracks
from .matrices import check_path, check_place, read_matrix

# Files with one line for every utterance, and those that may lack some.
COMPLETE = ("wav.scp", "text", "utt2spk", "utt2dur")
PARTIAL = ("video.scp", "video_start", "landmarks.scp", "made_lips", "voices.scp", "voices_by")
TIMED = ("align", "phones")  # words and phones, each with its time on a line of its own
OPTIONAL = (*PARTIAL, "phones")  # files that an older directory may have and a new one has not
# What programs make of the utterances that there are, and what goes when they change.
MADE_OF = (
    "gaps_*",
    "stats.npz",
    "landmarks_lost",
    "landmarks_failed",
    "landmarks_notes",
    "align_failed",
    ".align_journal",
    "voices_left_out",
)
CORPUS = "corpus"  # the name of the corpus, on one line
UNNAMED = "unnamed corpus"
SPLIT = "split"  # by which the corpus was divided, on one line
DEVELOPMENT = "development"  # of a set on which something was chosen, what that was, on one line; a test set has none


Timed = tuple[float, float, str]  # start and duration in seconds, and what is said then


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
        phones: (start_s, duration_s, phone) of each phone; empty where it is not known.
        landmarks: ``path:offset`` in a Kaldi archive; None before they are extracted.
        video_start_s: where in its video its sound begins, counted from the first sample of the video's own sound; not
            0 where it is cut out of a longer recording, and below 0 where its sound is late by more than that.
        made_lips: the digest of the model that made its landmarks from its sound (``python -m data_prep.lips``); None
            where they are those of a film.
        voice: ``path:offset`` of the vector of its voice in a Kaldi archive; None before it is made.
        voice_by: the digest of the weights of the speaker encoder that made it.
    """

    id: str
    speaker: str
    wav: str
    duration_s: float
    words: tuple[str, ...] = ()
    video: str | None = None
    alignment: tuple[Timed, ...] = field(default=(), repr=False)
    phones: tuple[Timed, ...] = field(default=(), repr=False)
    landmarks: str | None = None
    video_start_s: float = 0.0
    made_lips: str | None = None
    voice: str | None = None
    voice_by: str | None = None

    @property
    def words_have_times(self) -> bool:
        """Whether ``alignment`` has each of its words."""
        return bool(self.words) and [word for _, _, word in self.alignment] == list(self.words)

    @property
    def is_filmed(self) -> bool:
        """Whether its landmarks are those of a film."""
        return self.landmarks is not None and self.made_lips is None

    def load_landmarks(self) -> Tracks:
        """Raises DataError where they have not been extracted, or the archive is gone or damaged."""
        if self.landmarks is None:
            raise DataError(f"{self.id}: has no landmarks; run python -m data_prep.landmarks on its data directory")
        try:
            return Tracks.from_matrix(read_matrix(self.landmarks))
        except (OSError, DataError) as error:
            raise DataError(f"{self.id}: its landmarks cannot be read from {self.landmarks} ({error})") from error

    def load_voice(self) -> np.ndarray | None:
        """The vector of its voice, shape (n_values,); None where there is none. Raises DataError where the archive is
        gone or damaged.
        """
        if self.voice is None:
            return None
        try:
            (vector,) = read_matrix(self.voice)
        except (OSError, ValueError, DataError) as error:
            raise DataError(f"{self.id}: its voice cannot be read from {self.voice} ({error})") from error
        return vector


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
        "video_start": {u.id: f"{u.video_start_s:.6f}" for u in utterances if u.video and u.video_start_s},
        "landmarks.scp": {u.id: u.landmarks for u in utterances if u.landmarks},
        "made_lips": {u.id: u.made_lips for u in utterances if u.made_lips and u.landmarks},
        "voices.scp": {u.id: u.voice for u in utterances if u.voice},
        "voices_by": {u.id: u.voice_by for u in utterances if u.voice and u.voice_by},
    }
    texts = {name: "".join(f"{key} {value}\n" for key, value in of.items()) for name, of in columns.items() if of}
    texts |= {name: f"{line}\n" for name, line in ((CORPUS, corpus), (SPLIT, split)) if line is not None}
    texts["spk2utt"] = _spk2utt({u.id: u.speaker for u in utterances})
    timed = {"align": [(u.id, *word) for u in utterances for word in u.alignment]}
    if any(u.phones for u in utterances):
        timed["phones"] = [(u.id, *phone) for u in utterances for phone in u.phones]
    for name, lines in timed.items():
        texts[name] = "".join(f"{id_} {start:.3f} {length:.3f} {said}\n" for id_, start, length, said in lines)
    with files_together(path, instead_of=OPTIONAL) as folder:
        for name, text in texts.items():
            write_text(folder / name, text)


def read_datadir(path: str | Path) -> list[Utterance]:
    """The utterances of a data directory in the order of their ids.

    It is checked by Kaldi's rules (``utils/validate_data_dir.sh``): sorted, unique, one-to-one; and its lists must name
    files, and no command that Kaldi would run.

    Raises:
        DataError: naming the file and the line that breaks a rule.
    """
    tables, timed = _checked_tables(Path(path))
    return [
        Utterance(
            id=id_,
            speaker=tables["utt2spk"][id_],
            wav=wav,
            duration_s=float(tables["utt2dur"][id_]),
            words=tuple(tables["text"][id_].split()),
            video=tables["video.scp"].get(id_),
            alignment=timed["align"][id_],
            phones=timed["phones"][id_],
            landmarks=tables["landmarks.scp"].get(id_),
            video_start_s=float(tables["video_start"].get(id_, 0)),
            made_lips=tables["made_lips"].get(id_),
            voice=tables["voices.scp"].get(id_),
            voice_by=tables["voices_by"].get(id_),
        )
        for id_, wav in tables["wav.scp"].items()
    ]


def corpus_of(path: str | Path) -> str:
    """The name of the corpus that a data directory is part of."""
    return "".join(_lines(Path(path) / CORPUS)[:1]) or UNNAMED


def split_of(path: str | Path) -> str:
    """The split that a data directory is part of; "" where it does not say."""
    return "".join(_lines(Path(path) / SPLIT)[:1])


def development_of(path: str | Path) -> str:
    """What was chosen on the set in a data directory; "" where nothing was."""
    return "".join(_lines(Path(path) / DEVELOPMENT)[:1])


def _checked_tables(path: Path) -> tuple[dict[str, dict[str, str]], dict[str, dict[str, tuple[Timed, ...]]]]:
    """What each complete and each partial file says by id, and so each timed one; as :func:`read_datadir`."""
    if not (path / "wav.scp").is_file():
        raise DataError(f"{path}: not a data directory (it has no wav.scp)")
    ids = read_table(path / "wav.scp")
    if not ids:
        raise DataError(f"{path / 'wav.scp'}: is empty")
    tables = {"wav.scp": ids}
    for name in COMPLETE[1:]:
        tables[name] = read_table(path / name)
        _same_ids(path / name, list(tables[name]), list(ids))
    for name in PARTIAL:
        tables[name] = read_table(path / name)
        for number, id_ in enumerate(tables[name], start=1):
            if id_ not in ids:
                raise DataError(f"{path / name}:{number}: {id_} is not in wav.scp")
    for name in ("wav.scp", "video.scp"):
        _check_values(path / name, tables[name], check_path)
    for name in ("landmarks.scp", "voices.scp"):
        _check_values(path / name, tables[name], check_place)
    for number, (id_, value) in enumerate(tables["utt2dur"].items(), start=1):
        if not _is_positive(value):
            raise DataError(f"{path / 'utt2dur'}:{number}: {id_} lasts '{value}', expected seconds above 0")
    for number, (id_, value) in enumerate(tables["video_start"].items(), start=1):
        if not _is_finite(value):
            raise DataError(f"{path / 'video_start'}:{number}: {id_} begins at '{value}', expected seconds")
    timed = {name: _read_timed(path / name, ids) for name in TIMED}
    order = list(tables["utt2spk"].values())
    if order != sorted(order):
        line = next(i for i, (one, two) in enumerate(pairwise(order), start=2) if one > two)
        raise DataError(f"{path / 'utt2spk'}:{line}: speakers are out of order; ids must begin with the speaker")
    if _lines(path / "spk2utt") != _spk2utt(tables["utt2spk"]).splitlines():
        raise DataError(f"{path / 'spk2utt'}: does not say what utt2spk says; data_prep.validate --fix makes it anew")
    return tables, timed


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
    with files_together(path) as folder:
        for name, column in columns.items():
            write_text(folder / name, "".join(f"{id_} {column[id_]}\n" for id_ in sorted(column) if id_ in everywhere))
        write_text(folder / "spk2utt", _spk2utt({id_: columns["utt2spk"][id_] for id_ in everywhere}))
        for name in TIMED:
            if (path / name).is_file() or name not in OPTIONAL:
                lines = [line for line in _lines(path / name) if line.split(" ", 1)[0] in everywhere]
                lines.sort(key=lambda line: (line.split()[0], float(line.split()[1])))
                write_text(folder / name, "".join(f"{line}\n" for line in lines))
    read_datadir(path)
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
        if ordered and key < previous:  # characters sort as their bytes in UTF-8 do
            raise DataError(
                f"{path}:{number}: {key} is out of order (LC_ALL=C sort); data_prep.validate --fix sorts it"
            )
        table[key] = value.strip()
        previous = key
    return table


def _lines(path: Path) -> list[str]:
    return read_lines(path) if path.is_file() else []


def _same_ids(path: Path, found: list[str], expected: list[str]) -> None:
    for number, (one, two) in enumerate(zip(found, expected, strict=False), start=1):
        if one != two:
            raise DataError(f"{path}:{number}: found {one} where wav.scp has {two}; each id must stand in both")
    if len(found) != len(expected):
        raise DataError(f"{path}: has {len(found)} lines where wav.scp has {len(expected)}")


def _read_timed(path: Path, ids: Iterable[str]) -> dict[str, tuple[Timed, ...]]:
    timed: dict[str, tuple[Timed, ...]] = dict.fromkeys(ids, ())
    for number, line in enumerate(_lines(path), start=1):
        id_, _, rest = line.partition(" ")
        if id_ not in timed:
            raise DataError(f"{path}:{number}: {id_} is not in wav.scp")
        try:
            start, length, said = rest.split()
            start_s, length_s = float(start), float(length)
            good = start_s >= 0 and length_s >= 0
        except ValueError:
            good = False
        if not good:
            what = "word" if path.name == "align" else "phone"
            raise DataError(f"{path}:{number}: expected '<utt> <start_s> <duration_s> <{what}>', found '{line}'")
        timed[id_] += ((start_s, length_s, said),)
    return timed


def read_places(path: Path) -> dict[str, str]:
    """By id, the ``path:offset`` of a matrix. Raises DataError naming a line that is something else."""
    places = read_table(path)
    _check_values(path, places, check_place)
    return places


def _check_values(path: Path, table: dict[str, str], check: Callable[[str], object]) -> None:
    for number, value in enumerate(table.values(), start=1):
        try:
            check(value)
        except DataError as error:
            raise DataError(f"{path}:{number}: {error}") from None


def _is_finite(value: str) -> bool:
    try:
        return math.isfinite(float(value))
    except ValueError:
        return False


def _is_positive(value: str) -> bool:
    return _is_finite(value) and float(value) > 0
