"""Damage that takes sound away or distorts it: nulled blocks, lost and repeated packets, drop-outs in level, flat tops.

Each function takes the samples of a clip, float32 of shape (n_samples, channels), full scale 1.0, and the stretch
[start, stop) of them to damage. It returns the :class:`Made` of that stretch; the clip itself stays as it is.
"""

from dataclasses import dataclass

import numpy as np

from .noises import coloured_noise, power_of

Span = tuple[int, int]  # samples [start, stop)

PACKET_MS = 20  # of calls
SHORTEST_PACKET_MS = 20.0  # that is repeated


@dataclass(frozen=True)
class Made:
    """A damaged stretch.

    Attributes:
        samples: what takes its place, float32, shape (stop - start, channels).
        spans: where in the clip it is damaged: each with its kind, of :data:`avsi.data.damage.KINDS`.
    """

    samples: np.ndarray
    spans: list[tuple[Span, str]]


def silence(samples: np.ndarray, span: Span, rate: int, rng: np.random.Generator) -> Made:
    """Zeros; in one of five draws another constant, as of a converter that hangs."""
    start, stop = span
    constant = np.float32(0.0)
    if rng.random() < 0.2:
        constant = samples[start, 0] if rng.random() < 0.5 else np.float32(rng.uniform(-0.02, 0.02))
    return Made(np.full_like(samples[start:stop], constant), [(span, "silence")])


def jump(samples: np.ndarray, span: Span, rate: int, rng: np.random.Generator) -> Made:
    """What a jump of the time stamps leaves in an array: zeros for what is missing."""
    return Made(np.zeros_like(samples[slice(*span)]), [(span, "jump")])


def lost_packets(n_packets: int, rng: np.random.Generator) -> np.ndarray:
    """Which packets are lost, by a channel with a good and a bad state (Gilbert, 1960; Elliott, 1963) of drawn
    probabilities; at least one is. Returns bool, shape (n_packets,).
    """
    to_bad, to_good = rng.uniform(0.05, 0.2), rng.uniform(0.2, 0.6)
    loss_in = (rng.uniform(0.0, 0.01), rng.uniform(0.5, 1.0))
    bad, lost = bool(rng.random() < to_bad / (to_bad + to_good)), np.zeros(n_packets, bool)
    for packet, (change, luck) in enumerate(rng.random((n_packets, 2))):
        lost[packet] = luck < loss_in[bad]
        bad ^= bool(change < (to_good if bad else to_bad))
    if not lost.any():
        lost[rng.integers(n_packets)] = True
    return lost


def loss(samples: np.ndarray, span: Span, rate: int, rng: np.random.Generator, frozen: bool | None = None) -> Made:
    """Lost packets of a call.

    Args:
        frozen: play the last packet that came again in the place of a lost one, instead of zeros; by default drawn.
    """
    start, stop = span
    packet = rate * PACKET_MS // 1000
    frozen = bool(rng.random() < 0.5) and start >= packet if frozen is None else frozen
    lost = lost_packets(max(1, (stop - start) // packet), rng)
    made, spans, last = samples[start:stop].copy(), list[tuple[Span, str]](), samples[max(0, start - packet) : start]
    for number, is_lost in enumerate(lost):
        here = slice(number * packet, min((number + 1) * packet, stop - start))
        if not is_lost:
            last = made[here].copy()
            continue
        made[here] = last[: here.stop - here.start] if frozen else 0
        begin, end = start + here.start, start + here.stop
        if spans and spans[-1][0][1] == begin:
            begin = spans.pop()[0][0]
        spans.append(((begin, end), "repeat" if frozen else "silence"))
    return Made(made, spans)


def repeat(samples: np.ndarray, span: Span, rate: int, rng: np.random.Generator) -> Made:
    """The sound before it again, once or several times; the truth is all of the copies, without what they copy."""
    start, stop = span
    most = max(1, int((stop - start) * 1000 / rate / SHORTEST_PACKET_MS))
    packet = -(-(stop - start) // int(rng.integers(1, min(most, 8) + 1)))
    packet = min(packet, start)
    copies = -(-(stop - start) // packet)
    return Made(np.tile(samples[start - packet : start], (copies, 1))[: stop - start], [(span, "repeat")])


def level(samples: np.ndarray, span: Span, rate: int, rng: np.random.Generator, drop_db: float | None = None) -> Made:
    """A drop-out in level, as of a radio microphone, with short fades within the stretch; in half of the draws the
    receiver's hiss is heard meanwhile.

    Args:
        drop_db: by how much; by default from 20 to 50 dB.
    """
    start, stop = span
    drawn_db, fade_ms, hiss, hiss_db = rng.uniform(20, 50), rng.uniform(1, 20), rng.random() < 0.5, rng.uniform(40, 60)
    drop_db = drawn_db if drop_db is None else drop_db
    depth = ramps(stop - start, rate * fade_ms / 1000)
    made = samples[start:stop] * (10 ** (-drop_db * depth / 20))[:, None]
    if hiss:
        loudness = np.sqrt(power_of(samples[start:stop]) * 10 ** (-max(hiss_db, drop_db + 6) / 10))
        made = made + (loudness * depth * coloured_noise(stop - start, 0.0, rng))[:, None]
    return Made(made.astype(np.float32), [(span, "level")])


def clipping(samples: np.ndarray, span: Span, rate: int, rng: np.random.Generator) -> Made:
    """Hard flat tops, at a level that from one in two hundred to one in ten of the samples go beyond. The truth
    reaches from the first flat sample to the last.
    """
    start, stop = span
    part = samples[start:stop]
    limit = np.float32(np.quantile(np.abs(part), 1 - np.exp(rng.uniform(np.log(0.005), np.log(0.1)))))
    flat = np.flatnonzero((np.abs(part) > limit).any(axis=1))
    if not len(flat):
        return Made(part.copy(), [])
    first, last = int(flat[0]), int(flat[-1])
    return Made(np.clip(part, -limit, limit), [((start + first, start + last + 1), "clipping")])


def ramps(count: int, fade: float) -> np.ndarray:
    """From 0 to 1 within ``fade`` samples, at most a quarter of all, and so back to 0; shape (count,)."""
    place = np.arange(count)
    fade = max(1.0, min(fade, count / 4))
    return np.clip(np.minimum(place + 1, count - place) / fade, 0, 1)
