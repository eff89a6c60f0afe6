"""GRID's clips, found in any layout of its folders."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from avsi.errors import DataError

from ..corpus import Corpus
from .sentences import STEM

VIDEO_SUFFIXES = (".mpg", ".mpeg", ".mp4", ".avi", ".mov", ".mkv")
SOUND_SUFFIXES = (".wav", ".flac")
SPEAKER = re.compile(r"(?:^|[^a-z0-9])s(?:peaker)?[ _]?0*([1-9]|[12][0-9]|3[0-4])(?:[^0-9]|$)", re.IGNORECASE)


def speaker_of(path: Path) -> str | None:
    """The speaker in the names of a path's folders, the nearest first, as ``s01``; None where no folder names one."""
    for folder in reversed(path.parts[:-1]):
        match = SPEAKER.search(folder)
        if match:
            return f"s{int(match[1]):02d}"
    return None


@dataclass(frozen=True)
class Clip:
    """The files of one sentence; the video or the sound may be missing."""

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
    """Search a whole folder. GRID's file names are unique over its speakers, so that folders matter little. The ids of
    speakers get the corpus' prefix (:class:`..corpus.Corpus`).

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
