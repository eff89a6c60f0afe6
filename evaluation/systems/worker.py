"""The work of one process of evaluation.restore: some utterances, with one system, under one condition.

It is no part of the program, so that processes import it and keep the system that they loaded.
"""

from functools import lru_cache
from pathlib import Path

from avsi.data.datadir import Utterance
from avsi.data.gaps import Gap, gap_spans
from avsi.errors import DataError, FaceError, GapError, MediaError
from avsi.media.sound_reading import read_mono
from avsi.media.sound_writing import write_wav

from ..folder.layout import STFT, wav_path
from ..folder.set_parts import Part
from .fingerprints import check_weights
from .restorers import Restorer, make_restorer


@lru_cache(maxsize=1)
def _loaded(spec: str, stats: Path, clean: Path, device: str, state: tuple) -> Restorer:
    """A system by its fingerprint too, so that one which changes meanwhile is loaded again."""
    return make_restorer(spec, stats, clean, device)


def restore_part(
    number: int,
    utterances: list[Utterance],
    gaps_of: dict[str, list[Gap]],
    spec: str,
    stats: Path,
    clean: Path,
    condition: str,
    folder: Path,
    device: str,
    state: dict[str, str],
) -> None:
    """Write a part of a set, and the restored sound of its utterances, into ``folder``. Of a part that is there, only
    what failed is tried again.

    Args:
        gaps_of: of these utterances.
        clean: a data directory with all utterances.
        state: the system's fingerprint.

    Raises:
        DataError: the system's weights are others.
    """
    import torch

    torch.set_num_threads(1)
    system = _loaded(spec, stats, clean, device, tuple(state.items()))
    wav_path(folder, "").parent.mkdir(parents=True, exist_ok=True)
    part = Part(folder, number, state)
    part.read(utterances)
    with part.written():
        for utterance in utterances:
            if utterance.id in part.places:
                continue
            part.failed.pop(utterance.id, None)
            try:
                samples = read_mono(utterance.wav, STFT.sample_rate)
                spans = gap_spans(gaps_of[utterance.id], len(samples), STFT.sample_rate)
                restored, spectrum = system(samples, spans, utterance, condition)
            except (DataError, FaceError, GapError, MediaError) as error:
                part.failed[utterance.id] = " ".join(str(error).split())
            else:
                write_wav(wav_path(folder, utterance.id), restored, STFT.sample_rate)
                part.add(utterance.id, spectrum)
        check_weights(spec, state)
