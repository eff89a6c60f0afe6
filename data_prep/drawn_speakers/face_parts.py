"""Drawing of hair, ears, nostrils, mouth, eyes and brows in each frame.

Points are given to the canvas in the head's frame of reference.
"""

import numpy as np

from .canvas import SUPERSAMPLING, Canvas, middles, normals
from .head import LIP, Head, Mouth, Pose
from .look import Look, Surfaces

TURN = np.linspace(0, 2 * np.pi, 28)
CIRCLE = np.stack([np.cos(TURN), np.sin(TURN), 0 * TURN], axis=-1)


def draw_hair_behind(canvas: Canvas, head: Head, look: Look, surfaces: Surfaces) -> None:
    """The part of long hair behind the head and the neck."""
    y, outer = _long_hair(head, look)
    across = np.linspace(-1, 1, 33)
    tips = 8 * np.cos(across * np.pi / 2) * (y[:, None] > 0)
    depth = -40 + 10 * np.cos(across * np.pi / 2)
    _draw_locks(canvas, look, outer[:, None] * across, y[:, None] + tips, depth, surfaces.locks[:33])


def draw_hair_before(canvas: Canvas, head: Head, look: Look, surfaces: Surfaces) -> None:
    """The part of long hair in front of the ears."""
    y, outer = _long_hair(head, look)
    along = np.clip((y + 70) / (look.hair_length_mm + 70), 0, 1)
    inner = outer - 26 * np.sin(np.pi * along**0.6 * 0.86) ** 0.8
    across = np.linspace(0, 1, 9)
    for side in (-1, 1):
        share = across if side > 0 else across[::-1]
        x = side * (inner[:, None] + (outer - inner)[:, None] * share)
        tips = 10 * np.sin(np.pi * (0.2 + 0.8 * share)) * along[:, None] ** 6
        _draw_locks(canvas, look, x, y[:, None] + tips, 6 + 9 * np.sin(np.pi * share), surfaces.locks[33:42])


def _long_hair(head: Head, look: Look) -> tuple[np.ndarray, np.ndarray]:
    """Heights along long hair, and its half width there."""
    y = np.linspace(-95, look.hair_length_mm, 24)
    return y, head.half_width(np.minimum(y, 0)) + look.hair_mm + 14 * np.clip(y / 90, 0, 1)


def _draw_locks(canvas: Canvas, look: Look, x: np.ndarray, y: np.ndarray, z: np.ndarray, locks: np.ndarray) -> None:
    grid = np.stack(np.broadcast_arrays(x, y, z), axis=-1)
    canvas.patches(grid, middles(np.ones(grid.shape) * look.hair * locks[None, :, None]), shine=8.0)


def draw_strands(canvas: Canvas, skin: np.ndarray, look: Look, surfaces: Surfaces) -> None:
    """Single hairs; ``skin`` includes the hair's thickness."""
    placed = canvas.place(skin)
    pixels = canvas.view.pixels(placed)
    bright, _ = canvas.view.shade(normals(placed))
    for strand in surfaces.strands:
        rows, column = slice(strand.first, strand.last), strand.column
        if strand.last - strand.first < 2 or placed[strand.last, column, 2] < -20:
            continue
        line = pixels[rows, column] * (1 - strand.share) + pixels[rows, column + 1] * strand.share
        middle = (strand.first + strand.last) // 2 - 1
        canvas.pixel_line(line, strand.tone * (np.array(look.hair) * bright[middle, column] + 6))


def draw_ears(canvas: Canvas, head: Head, look: Look) -> None:
    for side in (-1, 1):
        middle = np.array([side * 77 * head.proportions.width, 14, -5.0])
        for size, tone in ((1.0, 0.82), (0.62, 0.62)):
            outline = np.stack([side * 8 * size * np.cos(TURN), 29 * size * np.sin(TURN) - 4 * np.cos(TURN), 0 * TURN])
            canvas.polygon(middle + outline.T, np.array(look.skin) * tone * (1, 0.92, 0.9))


def draw_nostrils(canvas: Canvas, pose: Pose, look: Look) -> None:
    for side, nostril in zip((-1, 1), pose.nostrils, strict=True):
        outline = CIRCLE * [4.2, 1.9, 0] - side * CIRCLE[:, :1] * [0, 1, 0]
        canvas.polygon(nostril + outline, np.array(look.skin) * (0.36, 0.28, 0.27))


def draw_mouth(canvas: Canvas, head: Head, pose: Pose, mouth: Mouth, look: Look) -> None:
    opening = np.concatenate([pose.upper_lip[-1], pose.lower_lip[-1][-2:0:-1]])
    canvas.within(opening, lambda inside: _draw_inside(inside, head, pose, mouth))
    rows = np.linspace(0, 1, len(pose.upper_lip) - 1)[:, None, None]
    for lip, tone in ((pose.upper_lip, 0.9), (pose.lower_lip[::-1], 1.0)):
        # The outer edge fades into the skin.
        colour = np.array(look.lips) * tone * (1 - 0.18 * rows)
        albedo = colour + 0.4 * np.clip(1 - 2.2 * rows, 0, 1) * (np.array(look.skin) - colour)
        albedo = np.broadcast_to(albedo if lip is pose.upper_lip else albedo[::-1], (len(rows), len(LIP) - 1, 3))
        canvas.patches(lip, albedo, shine=30.0)
    for lip in (pose.upper_lip, pose.lower_lip):
        canvas.line(lip[-1], np.array(look.lips) * 0.45)


def _draw_inside(canvas: Canvas, head: Head, pose: Pose, mouth: Mouth) -> None:
    """Tongue and teeth, to be clipped to the opening between the lips."""
    canvas.image[:] = (30, 8, 10)
    # A small opening lets in little light.
    lit = 0.5 + 0.5 * min(mouth.opening_mm / 8, 1)
    front = pose.upper_lip[-1, len(LIP) // 2, 2] - 9
    bottom = pose.lower_lip[-1, len(LIP) // 2, 1]
    tongue = np.array([0, bottom + 5 - 5 * mouth.tongue, front - 4])
    canvas.polygon(tongue + CIRCLE * [13, 6, 0], np.array((122, 50, 54)) * lit)
    x = np.linspace(-19, 19, 13)
    z = front - 0.012 * x**2
    upper, lower = head.teeth_y() - 0.006 * x**2, np.full_like(x, bottom - 0.5)
    for edge, gum_y, bright in ((upper, head.teeth_y() - 14, 1.0), (lower, bottom + 12, 0.6)):
        teeth = np.concatenate([np.stack([x, np.full_like(x, gum_y), z], -1), np.stack([x, edge, z], -1)[::-1]])
        canvas.polygon(teeth, np.array((222, 214, 200)) * bright * lit)


def draw_eye(canvas: Canvas, head: Head, lids: np.ndarray, gaze: np.ndarray, open_: float, look: Look) -> None:
    """One eye: its lids as in :class:`.head.Pose`, its gaze, and how far it is open."""
    size = head.proportions.eye_size
    centre = np.array([(lids[0, 0] + lids[12, 0]) / 2 + 3.5 * gaze[0], -1.2 + 1.2 * gaze[1], lids[6, 2]])

    def draw_inside(inside: Canvas) -> None:
        inside.image[:] = (222, 216, 212)
        inside.line(lids[:13] + np.array([0, 1.6, 0]), (160, 150, 148), 3 * SUPERSAMPLING)
        iris = np.array(look.iris)
        for radius, colour in ((6.2, iris * 0.55), (5.4, iris), (2.4, (14, 12, 12))):
            inside.polygon(centre + radius * size * CIRCLE, colour)
        inside.polygon(centre + np.array([-1.8, -2, 1]) + 1.1 * CIRCLE, (250, 250, 250))

    if open_ > 0.1:
        canvas.within(lids, draw_inside)
    skin = np.array(look.skin)
    canvas.line(lids[:13], 0.35 * np.array(look.brows) + 12, SUPERSAMPLING)
    canvas.line(lids[12:], skin * 0.66)
    canvas.line(lids[1:12] * [1, 0.8, 1] + np.array([0, -4.2 - 1.2 * open_, 0]), skin * 0.7)


def draw_brow(canvas: Canvas, head: Head, brow: np.ndarray, look: Look) -> None:
    thick = 2.7 * head.proportions.brow_thickness * np.sin(np.pi * (0.12 + 0.72 * np.linspace(0, 1, len(brow))))
    up = np.stack([0 * thick, thick, 0 * thick], axis=-1)
    canvas.polygon(np.concatenate([brow - up, (brow + up)[::-1]]), look.brows)
