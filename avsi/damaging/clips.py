"""A clip damaged at random, in speech, with the truth of where and how."""

from collections.abc import Callable, Mapping, Sequence
from itertools import chain

import numpy as np

from ..data.damage import Damage
from ..timebase import to_samples, to_seconds
from .cuts import Made, Span, clipping, jump, level, loss, repeat, silence
from .sounds import burst, click, noise, tone

# What can be made, and how long its stretch is, in milliseconds. Lost packets are silences, or repeated ones.
MAKERS: dict[str, tuple[Callable[..., Made], float, float]] = {
    "silence": (silence, 40, 600),
    "loss": (loss, 200, 1000),
    "jump": (jump, 100, 600),
    "repeat": (repeat, 20, 500),
    "clipping": (clipping, 100, 800),
    "tone": (tone, 40, 1500),
    "click": (click, 30, 120),
    "level": (level, 80, 1500),
    "burst": (burst, 80, 500),
    "noise": (noise, 100, 2000),
}
APART_S = 0.15  # between two damaged stretches, and before the first
IN_SPEECH = 0.8  # the share of a stretch that should be speech
TRIES = 64


def damage_clip(
    samples: np.ndarray,
    rate: int,
    kinds: Sequence[str],
    rng: np.random.Generator,
    speech: np.ndarray | None = None,
    longest_s: float = np.inf,
    fixed: Mapping[str, Mapping[str, object]] = {},
) -> tuple[np.ndarray, list[Damage]]:
    """Damage a clip in places that do not overlap and are speech, as far as there is some.

    Args:
        samples: float32, full scale 1.0, shape (n_samples, channels).
        kinds: of :data:`MAKERS`, one for each stretch; a kind may come twice. One for which there is no more room is
            left out, and others are shortened.
        speech: which equal parts of the clip are speech, bool, shape (n_parts,); by default all.
        longest_s: no stretch is longer.
        fixed: by kind, what its maker is not to draw, such as ``{"noise": {"snr_db": -5.0}}``.

    Returns:
        The damaged samples, of the same shape, and the truth, sorted, in seconds from the first sample. All others are
        as they were. What becomes louder than full scale is clipped to it, as in a file.
    """
    made, stretches = damage_stretches(samples, rate, kinds, rng, speech, longest_s, fixed)
    return made, sorted(chain(*stretches))


def damage_stretches(
    samples: np.ndarray,
    rate: int,
    kinds: Sequence[str],
    rng: np.random.Generator,
    speech: np.ndarray | None = None,
    longest_s: float = np.inf,
    fixed: Mapping[str, Mapping[str, object]] = {},
) -> tuple[np.ndarray, list[list[Damage]]]:
    """As :func:`damage_clip`, with the truth of each stretch that there was room for: of lost packets it is several
    damages.
    """
    made, stretches, taken = samples.copy(), list[list[Damage]](), list[Span]()
    full = max(1.0, float(np.abs(samples).max(initial=0.0)))
    for kind in kinds:
        maker, shortest_ms, longest_ms = MAKERS[kind]
        longest_ms = max(min(longest_ms, longest_s * 1000, 500 * len(samples) / rate), shortest_ms)
        length = to_samples(np.exp(rng.uniform(np.log(shortest_ms), np.log(longest_ms))) / 1000, rate)
        span = draw_span(length, len(samples), rate, speech, taken, rng)
        while span is None and length > 2 * to_samples(shortest_ms / 1000, rate):
            length //= 2
            span = draw_span(length, len(samples), rate, speech, taken, rng)
        if span is None:
            continue
        taken.append(span)
        done = maker(samples, span, rate, rng, **fixed.get(kind, {}))
        made[slice(*span)] = np.clip(done.samples, -full, full)
        stretches.append([Damage(to_seconds(a, rate), to_seconds(b, rate), kind_) for (a, b), kind_ in done.spans])
    return made, stretches


def draw_span(
    length: int, n_samples: int, rate: int, speech: np.ndarray | None, taken: Sequence[Span], rng: np.random.Generator
) -> Span | None:
    """A stretch of a length at a random place, apart from those taken: the first drawn that is speech, or the one with
    the largest share of it. None if no place was found.
    """
    apart = to_samples(APART_S, rate)
    first, last = max(apart, min(length, rate // 2)), n_samples - length - apart
    if last < first:
        return None
    starts = rng.integers(first, last + 1, TRIES)
    free = np.ones(TRIES, bool)
    for start, stop in taken:
        free &= (starts + length + apart <= start) | (starts >= stop + apart)
    if not free.any():
        return None
    starts = starts[free]
    if speech is not None:
        total = np.concatenate([[0], np.cumsum(speech)]) / len(speech)
        at = np.arange(len(total)) / len(speech) * n_samples
        share = (np.interp(starts + length, at, total) - np.interp(starts, at, total)) * n_samples / length
        starts = starts[[int(np.argmax(np.minimum(share, IN_SPEECH)))]]  # the first of the best
    return int(starts[0]), int(starts[0]) + length
