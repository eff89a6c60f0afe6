"""What is said in each frame, as far as that is known."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ..config import StftConfig
from ..errors import DataError
from ..timebase import frame_centres_s
from .datadir import Timed, Utterance
from .phones import SILENCE_LABEL

UNKNOWN = -1
NOT_KNOWN = ""  # in the place of a phone: what is said then is not known


def words_at(utterance: Utterance, n_frames: int, stft: StftConfig) -> Tensor:
    """Which word is said in each frame, counted from 1, and 0 between words; -1 everywhere if the words have no times.

    Returns:
        int64, shape (n_frames,).
    """
    if not utterance.words_have_times:
        return torch.full((n_frames,), UNKNOWN)
    centres_s = torch.from_numpy(frame_centres_s(n_frames, stft))
    word_at = torch.zeros(n_frames, dtype=torch.int64)
    for number, (start_s, length_s, _) in enumerate(utterance.alignment, start=1):
        word_at[(centres_s >= start_s) & (centres_s < start_s + length_s)] = number
    return word_at


def phones_at(phones: Sequence[Timed] | None, n_frames: int, stft: StftConfig, inventory: Sequence[str]) -> Tensor:
    """The input of models with ``model.text``, from the times of all phones of a recording; None where it is not known
    what is said.

    Returns:
        float32, shape (n_frames, 3): the phone's label, 0 for silence, and -1 where it is not known; how much of the
        phone or the silence has passed at the frame's centre, 0 to 1; its number in the recording.

    Raises:
        DataError: a phone that is not in the inventory.
    """
    if phones is None:
        return unknown_phones(n_frames)
    unknown = {phone for _, _, phone in phones} - {*inventory, NOT_KNOWN}
    if unknown:
        raise DataError(
            f"the phones {', '.join(sorted(unknown))} are not among those of the model: {' '.join(inventory)}"
        )
    centres_s = frame_centres_s(n_frames, stft)
    end_s = n_frames * stft.hop_samples / stft.sample_rate
    segments, before_s = [], 0.0
    for start_s, length_s, phone in phones:
        if start_s > before_s:
            segments.append((before_s, start_s, SILENCE_LABEL))
        label = UNKNOWN if phone == NOT_KNOWN else 1 + inventory.index(phone)
        segments.append((start_s, start_s + length_s, label))
        before_s = start_s + length_s
    if end_s > before_s:
        segments.append((before_s, end_s, SILENCE_LABEL))
    starts_s, ends_s, labels = (np.array(each) for each in zip(*segments, strict=True))
    number = (np.searchsorted(starts_s, centres_s, side="right") - 1).clip(0)
    passed = (centres_s - starts_s[number]) / np.maximum(ends_s - starts_s, 1e-6)[number]
    return torch.from_numpy(np.stack([labels[number], passed.clip(0, 1), number], axis=1).astype(np.float32))


def unknown_phones(n_frames: int) -> Tensor:
    """As :func:`phones_at`, where nothing is known."""
    return torch.tensor([UNKNOWN, 0.0, 0.0]).expand(n_frames, 3).clone()


def known_within(phones: Sequence[Timed], spans_s: Sequence[tuple[float, float]], end_s: float) -> list[Timed]:
    """Phones that lie in some spans (start, end) of a recording, and that what is said around these is not known.

    Args:
        spans_s: sorted, disjoint, in seconds.
        end_s: when the recording ends.
    """
    starts_s, ends_s = [*(start_s for start_s, _ in spans_s), end_s], [0.0, *(end_s for _, end_s in spans_s)]
    around = [(a, b - a, NOT_KNOWN) for a, b in zip(ends_s, starts_s, strict=True) if b > a]
    return sorted([*phones, *around])


def timed_within(phones: Sequence[Timed] | None, start_s: float, stop_s: float) -> list[Timed] | None:
    """The phones of a recording that reach into a stretch, on a clock that starts with it; None where they are not
    known.
    """
    if phones is None:
        return None
    return [
        (begin_s - start_s, length_s, phone)
        for begin_s, length_s, phone in phones
        if begin_s < stop_s and begin_s + length_s > start_s
    ]
