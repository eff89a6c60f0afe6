"""The work of one process of evaluation.restore: some utterances, with one system, under one condition.

It is no part of the program, so that processes import it and keep the system that they loaded.
"""

from functools import lru_cache
from pathlib import Path

import numpy as np

from avsi.data.datadir import Utterance
from avsi.data.gaps import Gap, gap_spans
from avsi.errors import DataError, FaceError, GapError, MediaError
from avsi.media.sound_reading import read_mono
from avsi.media.sound_writing import write_wav

from ..folder.layout import STFT, wav_path
from .fingerprints import fingerprint
from .restorers import Restorer, make_restorer


@lru_cache(maxsize=1)
def _loaded(spec: str, stats: Path, clean: Path, device: str, state: tuple) -> Restorer:
    """A system by its fingerprint too, so that one which changes meanwhile is loaded again."""
    return make_restorer(spec, stats, clean, device)


def restore_utterances(
    utterances: list[Utterance],
    gaps_of: dict[str, list[Gap]],
    spec: str,
    stats: Path,
    clean: Path,
    condition: str,
    folder: Path,
    device: str,
) -> tuple[dict[str, np.ndarray], dict[str, str], dict[str, str]]:
    """Write the restored sound of some utterances into ``folder``.

    Args:
        clean: a data directory with all utterances.

    Returns:
        (natural log magnitude of the lost frames by utterance id, reason by id of an utterance that could not be
        restored, the system's fingerprint).
    """
    import torch

    torch.set_num_threads(1)
    state = fingerprint(spec, condition, device)
    system = _loaded(spec, stats, clean, device, tuple(state.items()))
    spectra, failures = {}, {}
    wav_path(folder, "").parent.mkdir(parents=True, exist_ok=True)
    for utterance in utterances:
        try:
            samples = read_mono(utterance.wav, STFT.sample_rate)
            spans = gap_spans(gaps_of[utterance.id], len(samples), STFT.sample_rate)
            restored, spectra[utterance.id] = system(samples, spans, utterance, condition)
        except (DataError, FaceError, GapError, MediaError) as error:
            failures[utterance.id] = " ".join(str(error).split())
        else:
            write_wav(wav_path(folder, utterance.id), restored, STFT.sample_rate)
    return spectra, failures, state
