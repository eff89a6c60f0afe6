"""GRID's clips, found in any of the layouts it is passed around in, and prepared one by one."""

from __future__ import annotations

import os
import re
import warnings
from dataclasses import dataclass
from pathlib import Path

from avsi.config import StftConfig
from avsi.data.datadir import Utterance
from avsi.errors import AvsiWarning, DataError, MediaError
from avsi.media.sound_reading import read_mono
from avsi.media.sound_writing import write_wav
from avsi.media.video_reading import video_info

from ..corpus import Corpus
from .alignment import read_alignment
from .sentences import STEM, sentence

VIDEO_SUFFIXES = (".mpg", ".mpeg", ".mp4", ".avi", ".mov", ".mkv")
SOUND_SUFFIXES = (".wav", ".flac")
MIN_DURATION_S, MAX_DURATION_S = 2.0, 4.0  # clips last 3 s; what lies outside is damaged
SPEAKER = re.compile(r"(?:^|[^a-z0-9])s(?:peaker)?[ _]?0*([1-9]|[12][0-9]|3[0-4])(?:[^0-9]|$)", re.IGNORECASE)


def speaker_of(path: Path) -> str | None:
    """The speaker that the folders of a path name, the nearest first, as ``s01``; None where none does."""
    for folder in reversed(path.parts[:-1]):
        match = SPEAKER.search(folder)
        if match:
            return f"s{int(match[1]):02d}"
    return None


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
