"""What one process restores at a time.

Apart from the program, so that its processes import this rather than receive it, and keep the system they loaded.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from avsi.data.datadir import Utterance
from avsi.data.gaps import Gap, gap_spans
from avsi.errors import DataError, FaceError, GapError, MediaError
from avsi.media.sound_reading import read_mono
from avsi.media.sound_writing import write_wav

from ..folder.layout import STFT
from .fingerprints import made_from
from .restorers import Restorer, make_system


@lru_cache(maxsize=1)
def _loaded(spec: str, stats: Path, device: str, made: tuple) -> Restorer:
    """A system by what it is made from too, so that one which changes meanwhile is not taken for the other."""
    return make_system(spec, stats, device)


def restore_utterances(
    share: list[Utterance],
    gaps_of: dict[str, list[Gap]],
    spec: str,
    stats: Path,
    condition: str,
    folder: Path,
    device: str,
) -> tuple[dict[str, np.ndarray], dict[str, str], dict[str, str]]:
    """Write the restored sound of some utterances into ``folder``.

    Returns:
        (natural log magnitude of the lost frames by utterance, reason by utterance that could not be restored, what the
        system was made from).
    """
    import torch

    torch.set_num_threads(1)
    made = made_from(spec, condition)
    system = _loaded(spec, stats, device, tuple(made.items()))
    spectra, failures = {}, {}
    wav_path(folder, "").parent.mkdir(parents=True, exist_ok=True)
    for utterance in share:
        try:
            samples = read_mono(utterance.wav, STFT.sample_rate)
            spans = gap_spans(gaps_of[utterance.id], len(samples), STFT.sample_rate)
            restored, spectra[utterance.id] = system(samples, spans, utterance, condition)
        except (DataError, FaceError, GapError, MediaError) as error:
            failures[utterance.id] = " ".join(str(error).split())
        else:
            write_wav(wav_path(folder, utterance.id), restored, STFT.sample_rate)
    return spectra, failures, made


def wav_path(folder: Path, id_: str) -> Path:
    return folder / "wav" / f"{id_}.wav"
