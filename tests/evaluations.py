"""An evaluation with sounds and scores that tests can foretell, made in a moment."""

from pathlib import Path

import numpy as np
import soundfile
from conftest import RATE, speech

from avsi.data.datadir import Utterance, write_datadir
from avsi.data.gap_files import gap_file_path, write_gap_file
from avsi.data.gaps import Gap
from evaluation.folder.evaluation import Evaluation
from evaluation.folder.layout import CLEAN, SCORES, wav_path
from evaluation.folder.rows import write_rows
from evaluation.folder.set_parts import Part, parts_of, write_lists

LENGTH_S = 1.0
GAPS = {"200ms": [Gap(0.3, 0.5)], "400ms": [Gap(0.3, 0.7)]}
SYSTEMS = {
    "unprocessed": {"system": "unprocessed"},
    "a": {"system": "exp/a", "senses": [True, False, False], "weights": "1", "trained_on": "", "seed": 0},
    "av": {
        **{"system": "exp/av", "senses": [True, True, False], "weights": "2", "trained_on": "", "seed": 0},
        **{"seen_speakers": ["s01"], "seen_utterances": ["s01_clip0", "s01_clip1"]},
    },
}
FAILED, FAILED_METRIC, WHY, WHY_METRIC = "s02_clip1", "s01_clip2", "no face <b>was</b> seen", "silence has no PESQ"


def make_evaluation(folder: Path, speakers: int = 2, clips: int = 3) -> Path:
    """Each system fills gaps with a constant of its own. ``av`` could not restore ``FAILED``, and the PESQ of ``a`` on
    ``FAILED_METRIC`` has no value. Utterance n has a STOI of 0.5 + 0.01 n by ``a``, and 0.1 more by ``av``.
    """
    ids = [f"s{speaker:02d}_clip{clip}" for speaker in range(1, speakers + 1) for clip in range(clips)]
    sounds = [speech(number, LENGTH_S) for number in range(len(ids))]
    (folder / "sounds").mkdir(parents=True)
    utterances = []
    for number, id_ in enumerate(ids):
        wav = folder / "sounds" / f"{id_}.wav"
        soundfile.write(wav, sounds[number], RATE)
        utterances.append(Utterance(id_, id_[:3], str(wav), LENGTH_S, ("bin", "blue" if number % 2 else "red")))
    write_datadir(folder / CLEAN, utterances, "drawn")
    for condition, gaps in GAPS.items():
        write_gap_file(gap_file_path(folder, condition), dict.fromkeys(ids, gaps))
    fixed = {"corpus": "drawn", "split": "", "datadir": "data/test"}
    Evaluation.add(folder, fixed, dict.fromkeys(GAPS, "drawn with seed 0"), SYSTEMS)
    for condition, [gap] in GAPS.items():
        for place, (system, about) in enumerate(SYSTEMS.items()):
            out = folder / system / condition
            (out / "wav").mkdir(parents=True)
            failed = {FAILED: WHY} if system == "av" else {}
            for number, id_ in enumerate(ids):
                sound = sounds[number].copy()
                sound[round(gap.start_s * RATE) : round(gap.end_s * RATE)] = 0.1 * place
                if id_ not in failed:
                    soundfile.write(wav_path(out, id_), sound, RATE)
            fingerprint = {"weights": about.get("weights", "")}
            for number, part in enumerate(parts_of(utterances)):
                with Part(out, number, fingerprint).written() as written:
                    for utterance in part:
                        if utterance.id in failed:
                            written.failed[utterance.id] = WHY
                        else:
                            written.add(utterance.id, np.zeros((1, 1), np.float32))
            write_lists(out, utterances, fingerprint)
            write_rows(out / SCORES, [_row(number, id_, system, place, failed) for number, id_ in enumerate(ids)])
    return folder


def _row(number: int, id_: str, system: str, place: int, failed: dict[str, str]) -> dict:
    values = {"stoi": round(0.4 + 0.1 * place + 0.01 * number, 3), "pesq": 2.0 + 0.1 * place}
    why = dict.fromkeys(values, failed[id_]) if id_ in failed else {}
    if (system, id_) == ("a", FAILED_METRIC):
        why = {"pesq": WHY_METRIC}
    return {"id": id_, "speaker": id_[:3], **values, **dict.fromkeys(why), "failed": why}
