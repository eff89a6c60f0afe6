"""Metrics: one function each, which checks its input. Their names, units and how to read them are listed in
:mod:`avsi.metrics.registry`.

May import: audio, and the modules at the top of avsi.
"""

from .checks import UndefinedMetric
from .intelligibility import estoi, stoi
from .mos import dnsmos, plcmos
from .quality import pesq_nb, pesq_raw, pesq_wb, raw_from_lqo
from .spectral import gap_l1, log_spectral_distance, mel_cepstral_distortion

__all__ = [
    "UndefinedMetric",
    "dnsmos",
    "estoi",
    "gap_l1",
    "log_spectral_distance",
    "mel_cepstral_distortion",
    "pesq_nb",
    "pesq_raw",
    "pesq_wb",
    "plcmos",
    "raw_from_lqo",
    "stoi",
]
