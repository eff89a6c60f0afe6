"""What lies where in the folder of an evaluation.

<evaluation>/evaluation.json      corpus, conditions, systems, and the programs that were run on it
             clean/               the set, as a data directory; what recognisers hear in it
             stats.npz            the training set's statistics: the unit of L1
             gaps_<condition>     the gaps, as every system met them
             <system>/<condition>/   sound, log spectra of the lost frames, scores
             report/
"""

from __future__ import annotations

from avsi.config import StftConfig

ABOUT, STATS, CLEAN, REPORT = "evaluation.json", "stats.npz", "clean", "report"
# Of a system under a condition. The last that is written is SYSTEM.
SYSTEM, WAVS, SPECTRA, FAILED = "system.json", "wav.scp", "spectra.scp", "failed"
# What programs that look at it later add: one row an utterance.
SCORES, PHONES, WORDS = "scores.jsonl", "phones.jsonl", "keywords.jsonl"
JUDGES = {"per": "judge", "keywords": "keywords_judge"}  # what heard it, by column
# All sound in it has this rate, and scores are measured on this spectrogram.
STFT = StftConfig()
