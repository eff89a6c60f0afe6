"""One clip of GRID -> an utterance, with its sound at 16 kHz and its alignment checked."""

import warnings
from pathlib import Path

from avsi.config import StftConfig
from avsi.data.datadir import Utterance
from avsi.errors import AvsiWarning, DataError, MediaError
from avsi.media.sound_reading import read_mono
from avsi.media.sound_writing import write_wav
from avsi.media.video_reading import video_info

from .alignment import read_alignment
from .clips import Clip
from .sentences import sentence

MIN_DURATION_S, MAX_DURATION_S = 2.0, 4.0  # clips last 3 s; shorter and longer ones are damaged


def prepare_clip(clip: Clip, wav_folder: Path) -> tuple[Utterance | None, list[tuple[str, str]]]:
    """Write one clip's sound as 16 kHz WAV.

    Returns:
        Its utterance and notes (id, remark). None where it cannot be used; the last note then gives the reason.
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
