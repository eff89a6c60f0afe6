"""What lies where in the folder of an evaluation.

<evaluation>/evaluation.json      corpus, conditions, systems, and the programs that were run on it
             clean/               the set, as a data directory; what recognisers recognised in it
             stats.npz            the training set's statistics: the unit of L1
             gaps_<condition>     the gaps, the same for every system
             <system>/<condition>/   sound, log spectra of the lost frames (spectra.scp names places in the archives of
                                     spectra/), scores
             report/
             listening/       listening tests, a folder each: what was drawn, and a file of ratings for each listener
"""

from pathlib import Path

from avsi.config import StftConfig

ABOUT, STATS, CLEAN, REPORT = "evaluation.json", "stats.npz", "clean", "report"
LISTENING = "listening"
# Of a system under a condition. SYSTEM is written last.
SYSTEM, WAVS, SPECTRA, FAILED = "system.json", "wav.scp", "spectra.scp", "failed"
PARTS = "spectra"  # the folder of the archives that SPECTRA names, see evaluation.folder.set_parts
# Added later by evaluation.score, evaluation.recognize and evaluation.keywords: one row an utterance.
SCORES, PHONES, WORDS = "scores.jsonl", "phones.jsonl", "keywords.jsonl"
VOICES = "voices.jsonl"  # by evaluation.similarity: one row a speaker
# The key that names the recogniser, by column.
RECOGNIZERS = {"per": "recognizer", "per_gaps": "recognizer", "keywords": "keywords_recognizer"}
# All sound has this rate, and scores are measured on this spectrogram.
STFT = StftConfig()


def wav_path(folder: Path, id_: str) -> Path:
    """The restored sound of an utterance, in the folder of a system under a condition."""
    return folder / "wav" / f"{id_}.wav"
