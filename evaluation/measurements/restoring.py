"""Restoring and reading: the phase search, an hour of sound, a large data directory."""

import subprocess
import sys
import time
from collections.abc import Iterator

import numpy as np
import torch

from avsi.audio.phase import fill_gaps
from avsi.audio.stft import log_magnitude, spectrum
from avsi.config import StftConfig
from avsi.data.datadir import Utterance, read_datadir, write_datadir
from avsi.data.gaps import lost_frames, lost_samples
from avsi.media.sound_reading import read_mono
from avsi.media.sound_writing import write_wav

from . import Row, Setup, at_most

STFT = StftConfig()
SHORT_S, HOUR_S, N_GAPS = 9, 3600, 10
# Prints the seconds of CPU and the most memory in MB that restoring takes, after a first file that loads everything.
RESTORE = """
import sys, time
from avsi import Gap, Inpainter, inpaint_file
first, starts, *paths = sys.argv[1:]
inpainter, gaps = Inpainter.from_pretrained("a", device="cpu"), [Gap(float(s), float(s) + 0.8) for s in starts.split()]
inpaint_file(first, first + ".out.wav", inpainter, [Gap(4.0, 4.8)])
start = time.process_time()
for path in paths:
    inpaint_file(path, path + ".out.wav", inpainter, gaps)
used = time.process_time() - start
peak = next(line for line in open('/proc/self/status') if line.startswith('VmHWM'))  # rusage has the parent's too
print(used, int(peak.split()[1]) / 1024)
"""


def phase(setup: Setup) -> Iterator[Row]:
    samples = 0.1 * torch.randn(3 * STFT.sample_rate, generator=torch.Generator().manual_seed(0))
    log_spectrum = log_magnitude(spectrum(samples, STFT), STFT)
    spans = [(STFT.sample_rate, round(1.8 * STFT.sample_rate))]
    lost = [torch.from_numpy(mask) for mask in (lost_samples(spans, len(samples)), lost_frames(spans, 250, STFT))]
    each_s, threads = [], torch.get_num_threads()
    torch.set_num_threads(1)
    for _ in range(5):
        start = time.process_time()
        fill_gaps(samples, lost[0], log_spectrum, lost[1], STFT)
        each_s.append(time.process_time() - start)
    torch.set_num_threads(threads)
    yield at_most("phase of a gap of 800 ms, CPU ms", 1000 * min(each_s), 150.0)


def hour(setup: Setup) -> Iterator[Row]:
    """An hour with ten gaps against ten short files with one gap each."""
    samples = read_mono(setup.utterances[0].wav, STFT.sample_rate)
    for name, length_s in (("short", SHORT_S), ("hour", HOUR_S)):
        write_wav(setup.folder / f"{name}.wav", np.resize(samples, length_s * STFT.sample_rate), STFT.sample_rate)
    short, long = (str(setup.folder / f"{name}.wav") for name in ("short", "hour"))
    starts = " ".join(str(4.0 + 350 * number) for number in range(N_GAPS))
    runs = {"ten": (short, "4.0", *[short] * N_GAPS), "hour": (short, starts, long)}
    costs = {}
    for name, arguments in runs.items():
        command = [sys.executable, "-c", RESTORE, *arguments]
        costs[name] = [float(x) for x in subprocess.run(command, capture_output=True, check=True).stdout.split()]
    (ten_s, ten_mb), (hour_s, hour_mb) = costs["ten"], costs["hour"]
    yield Row("an hour with ten gaps, CPU s", hour_s, f"ten short files {ten_s:.2f}", 1.5 * ten_s / hour_s, 1)
    yield Row("memory of that hour, MB", hour_mb, f"short files {ten_mb:.0f} + 100", (ten_mb + 100) / hour_mb, 1)


def reading(setup: Setup) -> Iterator[Row]:
    """A data directory of 100,000 utterances of six words."""
    words = ("bin", "blue", "at", "f", "two", "now")
    alignment = tuple((0.5 + 0.25 * place, 0.25, word) for place, word in enumerate(words))
    ids = [f"s{number // 3000:03d}_{number:06d}" for number in range(100_000)]
    utterances = [
        Utterance(id_, id_[:4], f"/{id_}.wav", 2.978, words, f"/{id_}.mpg", alignment, f"/ark:{place}")
        for place, id_ in enumerate(ids)
    ]
    write_datadir(setup.folder / "large", utterances)
    start = time.perf_counter()
    read_datadir(setup.folder / "large")
    yield at_most("reading 100,000 utterances, s", time.perf_counter() - start, 5.0)
