"""The time stamps of a container's tracks, and where they skip."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

from .containers import find_picture, open_container, start_s, time_base
from .video_reading import UNTIMED

MIN_JUMP_S = 0.04  # less is rounding, or a variable frame rate
# A picture lasts as long as most: one that lasts this much longer than the others is a jump.
PICTURES_MISSING = 2.5


def picture_jumps(
    path: str | Path, progress: Callable[[Iterator], Iterator] = lambda items: items
) -> list[tuple[float, float]]:
    """Where pictures are missing, by the time stamps of the first picture track, on a player's clock: (when the last
    picture before it would have given way to the next, when the next is shown). None in containers without stamps.
    """
    with open_container(path) as container:
        stream = find_picture(container)
        if stream is None or container.format.name in UNTIMED:
            return []
        origin_s = start_s(container)
        unit = time_base(stream)
        shown = sorted(
            float(packet.pts * unit) - origin_s
            for packet in progress(container.demux(stream))
            if packet.pts is not None
        )
    steps = [later - earlier for earlier, later in pairwise(shown)]
    if not steps:
        return []
    usual_s = sorted(steps)[len(steps) // 2]
    return [
        (earlier + usual_s, earlier + step_s)
        for earlier, step_s in zip(shown, steps, strict=False)
        if step_s - usual_s > MIN_JUMP_S and step_s > PICTURES_MISSING * usual_s
    ]
