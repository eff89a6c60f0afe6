"""GRID, in any of the layouts it is passed around in -> Kaldi data directories.

python -m data_prep.grid --root DIR --out data
"""

from __future__ import annotations

import itertools
import os
import re
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from avsi.audio.files import read_mono, write_wav
from avsi.config import StftConfig
from avsi.data.datadir import PARTIAL, Utterance, write_datadir
from avsi.errors import AvsiWarning, DataError, MediaError
from avsi.files import files_together, read_lines, write_text
from avsi.program import in_parallel, print_table, progress, run_program
from avsi.video.files import video_info

from .corpus import Corpus
from .splits import SETS, load_split

VIDEO_SUFFIXES = (".mpg", ".mpeg", ".mp4", ".avi", ".mov", ".mkv")
SOUND_SUFFIXES = (".wav", ".flac")
ALIGN_UNITS_PER_S = 25000
SILENCES = ("sil", "sp")
MIN_DURATION_S, MAX_DURATION_S = 2.0, 4.0  # clips last 3 s; what lies outside is damaged

COMMANDS = {"b": "bin", "l": "lay", "p": "place", "s": "set"}
COLOURS = {"b": "blue", "g": "green", "r": "red", "w": "white"}
PREPOSITIONS = {"a": "at", "b": "by", "i": "in", "w": "with"}
DIGITS = dict(
    zip("z123456789", ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"], strict=True)
)
ADVERBS = {"a": "again", "n": "now", "p": "please", "s": "soon"}
STEM = re.compile(r"[blps][bgrw][abiw][a-vx-z][1-9z][anps]")
SPEAKER = re.compile(r"(?:^|[^a-z0-9])s(?:peaker)?[ _]?0*([1-9]|[12][0-9]|3[0-4])(?:[^0-9]|$)", re.IGNORECASE)

app = typer.Typer(add_completion=False)


def all_stems() -> list[str]:
    """The file names of the 64,000 sentences that GRID's grammar allows; it has no letter w."""
    letters = "abcdefghijklmnopqrstuvxyz"
    return ["".join(parts) for parts in itertools.product(COMMANDS, COLOURS, PREPOSITIONS, letters, DIGITS, ADVERBS)]


def sentence(stem: str) -> tuple[str, ...]:
    """The six words that a GRID file name spells: ``bbaf2n`` is bin blue at f two now."""
    tables = (COMMANDS, COLOURS, PREPOSITIONS, {letter: letter for letter in stem[3]}, DIGITS, ADVERBS)
    return tuple(table[letter] for table, letter in zip(tables, stem, strict=True))


def speaker_of(path: Path) -> str | None:
    """The speaker that the folders of a path name, the nearest first, as ``s01``; None where none does."""
    for folder in reversed(path.parts[:-1]):
        match = SPEAKER.search(folder)
        if match:
            return f"s{int(match[1]):02d}"
    return None


def read_alignment(path: Path) -> tuple[tuple[float, float, str], ...]:
    """(start_s, duration_s, word) of each word of an ``.align`` file, silences left out.

    Raises:
        DataError: a line that is not ``<start> <end> <word>``, or times that go back.
    """
    words = []
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip():
            continue
        try:
            start, end, word = line.split()
            start_s, end_s = int(start) / ALIGN_UNITS_PER_S, int(end) / ALIGN_UNITS_PER_S
        except ValueError:
            raise DataError(f"{path}:{number}: expected '<start> <end> <word>', found '{line}'") from None
        if end_s < start_s or (words and start_s < words[-1][0]):
            raise DataError(f"{path}:{number}: times go back in '{line}'")
        if word not in SILENCES:
            words.append((start_s, end_s - start_s, word))
    return tuple(words)


@dataclass(frozen=True)
class Clip:
    """The files of one sentence, of which the video or the sound may be missing."""

    stem: str
    speaker: str | None
    video: Path | None
    sound: Path | None
    alignment: Path | None
    alignment_speaker: str | None

    @property
    def id(self) -> str:
        return f"{self.speaker}_{self.stem}"


def find_clips(root: Path) -> tuple[list[Clip], list[tuple[str, str]]]:
    """Look through a whole folder: the names of GRID's files are unique over its speakers, so folders matter little.

    Speakers are named as the corpus says (:class:`.corpus.Corpus`).

    Returns:
        The clips, and notes (file, remark) on files that are not used.

    Raises:
        DataError: no such folder, or nothing in it that looks like GRID.
    """
    if not root.is_dir():
        raise DataError(f"{root}: no such folder")
    videos, sounds, alignments, notes = {}, {}, {}, []
    kinds = {**dict.fromkeys(VIDEO_SUFFIXES, videos), **dict.fromkeys(SOUND_SUFFIXES, sounds), ".align": alignments}
    # os.walk, since a corpus is often a folder of links.
    for path in sorted(Path(folder, name) for folder, _, names in os.walk(root, followlinks=True) for name in names):
        kind, stem, name = kinds.get(path.suffix.lower()), path.stem.lower(), path.relative_to(root)
        if kind is None:
            continue
        if not STEM.fullmatch(stem):
            notes.append((str(name), "not named like a GRID sentence; passed over"))
        elif stem in kind:
            notes.append((str(name), f"stands in {kind[stem].relative_to(root)} too; that one is used"))
        else:
            kind[stem] = path
    if not videos and not sounds:
        raise DataError(
            f"{root}: no GRID clip in it; expected files such as s1/bbaf2n.mpg or s1/video/mpg_6000/bbaf2n.mpg"
        )

    prefix = Corpus.of(root).id_prefix

    def speaker(path: Path | None) -> str | None:
        # The folder itself may be a speaker's; those above it say nothing of the corpus.
        name = speaker_of(path.relative_to(root.parent)) if path else None
        return name and prefix + name

    clips = [
        Clip(
            stem,
            speaker(videos.get(stem) or sounds[stem]),
            videos.get(stem),
            sounds.get(stem),
            alignments.get(stem),
            speaker(alignments.get(stem)),
        )
        for stem in sorted({*videos, *sounds})
    ]
    return clips, notes


def prepare_clip(clip: Clip, wav_folder: Path) -> tuple[Utterance | None, list[tuple[str, str]]]:
    """Write one clip's sound as 16 kHz WAV.

    Returns:
        Its utterance, or None where it cannot be used; and notes (id, remark), the last of which then says why.
    """
    if clip.speaker is None:
        return None, [(clip.stem, f"{clip.video or clip.sound}: no folder names its speaker (such as s1)")]
    alignment, notes = check_alignment(clip)
    rate = StftConfig().sample_rate
    wav = wav_folder / clip.speaker / f"{clip.id}.wav"
    try:
        if clip.video is not None:
            video_info(clip.video)
        source = clip.sound or clip.video
        if not wav.is_file() or wav.stat().st_mtime < source.stat().st_mtime:
            wav.parent.mkdir(parents=True, exist_ok=True)
            with warnings.catch_warnings(record=True, action="always", category=AvsiWarning) as caught:
                write_wav(wav, read_mono(source, rate), rate)
            notes += [(clip.id, str(warning.message)) for warning in caught]
        duration_s = len(read_mono(wav, rate)) / rate
    except MediaError as error:
        return None, [*notes, (clip.id, str(error))]
    if not MIN_DURATION_S <= duration_s <= MAX_DURATION_S:
        return None, [*notes, (clip.id, f"lasts {duration_s:.2f} s, GRID's clips 3 s")]
    video = str(clip.video) if clip.video else None
    return Utterance(clip.id, clip.speaker, str(wav), duration_s, sentence(clip.stem), video, alignment), notes


def check_alignment(clip: Clip) -> tuple[tuple[tuple[float, float, str], ...], list[tuple[str, str]]]:
    """A clip's alignment, empty where there is none or it cannot be right; and notes (id, remark)."""
    if clip.alignment is None:
        return (), []
    notes = []
    if clip.alignment_speaker not in (None, clip.speaker):
        notes.append((clip.id, f"its alignment lies in the folder of {clip.alignment_speaker}; matched by name"))
    try:
        alignment = read_alignment(clip.alignment)
    except DataError as error:
        return (), [*notes, (clip.id, f"alignment not used: {error}")]
    said, spelled = " ".join(word for _, _, word in alignment), " ".join(sentence(clip.stem))
    if said != spelled:
        return (), [*notes, (clip.id, f"alignment not used: it says '{said}', the name spells '{spelled}'")]
    if alignment[-1][0] + alignment[-1][1] > MAX_DURATION_S:
        return (), [*notes, (clip.id, f"alignment not used: it ends after {MAX_DURATION_S:g} s")]
    return alignment, notes


@app.command()
def main(
    root: Annotated[Path, typer.Option(help="The folder that holds GRID, in any of its layouts.")],
    out: Annotated[Path, typer.Option(help="Where the data directories go.")] = Path("data"),
    split: Annotated[
        str,
        typer.Option(
            help="'paper', 'speaker-dependent', 'speaker-independent', or a file of lines "
            "'<speaker or clip> <train|valid|test>'."
        ),
    ] = "paper",
    jobs: Annotated[int, typer.Option(min=1, help="Processes to prepare clips with.")] = 2,
    max_left_out: Annotated[float, typer.Option(help="Fail where a larger share of clips is left out.")] = 0.05,
) -> None:
    """Prepare GRID: data/train, data/valid and data/test as Kaldi data directories, with sound at 16 kHz."""
    root, out = root.resolve(), out.resolve()
    corpus = Corpus.of(root)
    clips, notes = find_clips(root)
    set_of = load_split(split, {clip.id for clip in clips}, corpus.id_prefix)
    results = in_parallel(jobs, [(prepare_clip, clip, out / "wav") for clip in clips])
    kept: dict[str, list[Utterance]] = {name: [] for name in SETS}
    left_out: list[tuple[str, str]] = []
    unassigned = Counter()
    for utterance, remarks in progress(results, len(clips), "clips"):
        if utterance is None:
            left_out.append(remarks[-1])
            notes.extend(remarks[:-1])
            continue
        notes.extend(remarks)
        name = set_of(utterance.id)
        if name is None:
            unassigned[utterance.speaker] += 1
        else:
            kept[name].append(utterance)
    notes += [(speaker, f"{count} clips are in no set of the split '{split}'") for speaker, count in unassigned.items()]
    out.mkdir(parents=True, exist_ok=True)
    write_text(out / "left_out", "".join(f"{id_} {reason}\n" for id_, reason in sorted(left_out)))
    write_text(out / "notes", "".join(f"{id_} {reason}\n" for id_, reason in sorted(notes)))
    _report(corpus, kept, left_out, notes, clips, out)
    if len(left_out) > max_left_out * len(clips):
        raise DataError(
            f"{root}: {len(left_out)} of {len(clips)} clips cannot be used, more than --max-left-out {max_left_out:g}; "
            f"{out / 'left_out'} gives each reason"
        )
    empty = [name for name in SETS if not kept[name]]
    if empty:
        raise DataError(
            f"the split '{split}' leaves {' and '.join(empty)} empty with the speakers found "
            f"({', '.join(sorted({u.speaker for of in kept.values() for u in of} | set(unassigned)))}); "
            "speaker-independent needs three speakers, speaker-dependent divides each speaker's clips, and a file can "
            "say anything else"
        )
    # Landmarks are looked for anew, also of who was dropped for having none.
    with files_together(
        out, [f"{name}/{made}" for name in SETS for made in (*PARTIAL, "landmarks_lost", "landmarks_failed")]
    ) as folder:
        for name, utterances in kept.items():
            write_datadir(folder / name, utterances, corpus.name, split)


def _report(
    corpus: Corpus,
    kept: dict[str, list[Utterance]],
    left_out: list[tuple[str, str]],
    notes: list[tuple[str, str]],
    clips: list[Clip],
    out: Path,
) -> None:
    rows = [
        [
            name,
            len({u.speaker for u in utterances}),
            len(utterances),
            sum(u.video is not None for u in utterances),
            sum(bool(u.alignment) for u in utterances),
            f"{sum(u.duration_s for u in utterances) / 60:.1f}",
        ]
        for name, utterances in kept.items()
    ]
    print_table(corpus.name, ["set", "speakers", "clips", "with video", "aligned", "minutes"], rows)
    counts = [
        sum(path is not None for path in of)
        for of in zip(*((c.video, c.sound, c.alignment) for c in clips), strict=True)
    ]
    print("found {} clips: {} with video, {} with separate sound, {} with an alignment".format(len(clips), *counts))
    print(f"left out {len(left_out)} ({out / 'left_out'}), {len(notes)} notes ({out / 'notes'})")
    for id_, reason in left_out[:10]:
        print(f"  left out {id_}: {reason}")


if __name__ == "__main__":
    run_program(app)
