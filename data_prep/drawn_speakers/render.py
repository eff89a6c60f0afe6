"""Rendering of a speaking head as video frames."""

from collections.abc import Iterator

import numpy as np

from .canvas import HEIGHT, SUPERSAMPLING, WIDTH, Canvas
from .face_parts import (
    draw_brow,
    draw_ears,
    draw_eye,
    draw_hair_before,
    draw_hair_behind,
    draw_mouth,
    draw_nostrils,
    draw_strands,
)
from .gestures import Gestures
from .head import Head, Mouth
from .look import Look, Surfaces

PIVOT = np.array([0, 60, -25])  # the top of the neck, about which the head turns


def render(
    head: Head, look: Look, texture_seed: int, mouths: list[Mouth], gestures: Gestures, rng: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Each frame as (RGB of shape (HEIGHT, WIDTH, 3), uint8; the 68 landmarks in pixels, shape (68, 2)).

    Args:
        texture_seed: for skin, hair and cloth.
        rng: for the camera's noise.
    """
    surfaces = Surfaces(head, look, texture_seed)
    background = _background(look)
    for index, mouth in enumerate(mouths):
        canvas = Canvas(look.view, background.copy())
        points = _draw(canvas, head, look, surfaces, mouth, gestures, index)
        yield canvas.picture(rng), points.astype(np.float32)


def _draw(
    canvas: Canvas, head: Head, look: Look, surfaces: Surfaces, mouth: Mouth, gestures: Gestures, index: int
) -> np.ndarray:
    """Draw one frame, from back to front; the landmarks in pixels."""
    pose = head.pose(mouth, gestures.lids[index], gestures.brows_mm[index])
    turn = _rotation(np.array(look.turn) + gestures.turn[index])
    breath = np.array([0, 1.2 * gestures.breath[index], 0])
    moved = canvas.moved(lambda points: (points - PIVOT) @ turn.T + PIVOT + gestures.shift_mm[index] + 0.4 * breath)
    if look.hair_length_mm:
        draw_hair_behind(moved, head, look, surfaces)
    # The neck's upper end moves with the head.
    with_head = np.linspace(1, 0, len(surfaces.neck))[:, None, None]
    neck = moved.place(surfaces.neck) * with_head + (surfaces.neck + breath) * (1 - with_head)
    canvas.patches(neck, surfaces.neck_albedo)
    canvas.patches(surfaces.torso + breath, surfaces.torso_albedo)
    draw_ears(moved, head, look)
    skin = pose.skin + surfaces.hair_offset
    moved.patches(skin, surfaces.skin_albedo)
    draw_strands(moved, skin, look, surfaces)
    draw_nostrils(moved, pose, look)
    draw_mouth(moved, head, pose, mouth, look)
    for lids, brow in zip(pose.eyes, pose.brows, strict=True):
        draw_eye(moved, head, lids, gestures.gaze[index], gestures.lids[index], look)
        draw_brow(moved, head, brow, look)
    if look.hair_length_mm:
        draw_hair_before(moved, head, look, surfaces)
    return moved.pixels(pose.landmarks)


def _background(look: Look) -> np.ndarray:
    """A wall, brighter in the middle."""
    height, width = HEIGHT * SUPERSAMPLING, WIDTH * SUPERSAMPLING
    y, x = np.mgrid[0:height, 0:width] / [[[height]], [[width]]]
    light = 1.08 - 0.55 * ((x - 0.5) ** 2 + (y - 0.4) ** 2) - 0.1 * y
    return np.clip(light[..., None] * look.background, 0, 255).astype(np.uint8)


def _rotation(turn: np.ndarray) -> np.ndarray:
    """The matrix that turns about x, then y, then z, by angles in radians."""
    from scipy.spatial.transform import Rotation

    return Rotation.from_euler("xyz", turn).as_matrix()
