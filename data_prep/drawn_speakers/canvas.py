"""Drawing of patches, polygons and lines, given in millimetres, as seen by a camera and lit by a light, by OpenCV."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

WIDTH, HEIGHT = 360, 288  # GRID's
SUPERSAMPLING = 2  # factor by which images are drawn larger and then scaled down, against aliasing
BINARY_PLACES = 4  # fractional bits of the coordinates given to OpenCV
CAMERA_MM = 900.0  # from the axis of the skull
HEAD_MIDDLE = np.array([0.0, 35.0, 0.0])  # the point shown at View.centre

Colour = tuple[float, float, float]  # RGB, 0 to 255
Placing = Callable[[np.ndarray], np.ndarray]  # moves points of shape (..., 3)


@dataclass(frozen=True)
class View:
    """Camera and light.

    Attributes:
        pixels_per_mm: scale at the axis of the skull.
        centre: position of the middle of the head, as shares of the picture's width and height.
        light: direction to the light, x to the right, y down, z to the camera.
    """

    pixels_per_mm: float
    centre: tuple[float, float]
    light: tuple[float, float, float]

    def pixels(self, points: np.ndarray) -> np.ndarray:
        """Points of shape (..., 3) as the camera sees them, in pixels of the picture, shape (..., 2)."""
        scale = self.pixels_per_mm * CAMERA_MM / (CAMERA_MM - points[..., 2:])
        return (points - HEAD_MIDDLE)[..., :2] * scale + np.array(self.centre) * (WIDTH, HEIGHT)

    def shade(self, normals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Diffuse brightness and specular highlight of a surface with unit normals of shape (..., 3).

        The diffuse light wraps a little around objects; the highlight is that of Blinn (1977).
        """
        light = np.array(self.light) / np.linalg.norm(self.light)
        diffuse = np.clip((normals @ light + 0.25) / 1.25, 0, 1)
        half = light + np.array([0, 0, 1])
        return 0.5 + 0.58 * diffuse, np.clip(normals @ (half / np.linalg.norm(half)), 0, 1) ** 24


class Canvas:
    """An image to draw into, or a part of one. Points have the shape (..., 3).

    Attributes:
        image: RGB, larger than the final picture by the factor SUPERSAMPLING.
        place: moves points before they are drawn.
        corner: column and row of the whole image at which this part begins.
    """

    def __init__(
        self, view: View, image: np.ndarray, place: Placing = lambda points: points, corner: tuple[int, int] = (0, 0)
    ):
        self.view, self.image, self.place, self.corner = view, image, place, corner

    def moved(self, place: Placing) -> Canvas:
        """The same picture, in which all points are moved by ``place`` before they are drawn."""
        return Canvas(self.view, self.image, place, self.corner)

    def pixels(self, points: np.ndarray) -> np.ndarray:
        return self.view.pixels(self.place(points))

    def patches(self, grid: np.ndarray, albedo: np.ndarray, shine: float = 22.0) -> None:
        """Draw a surface given as points of shape (r, c, 3), its patches' colours of shape (r - 1, c - 1, 3)."""
        import cv2

        grid = self.place(grid)
        facing = normals(grid)
        bright, shining = self.view.shade(facing)
        colours = np.clip(albedo * bright[..., None] + shine * shining[..., None], 0, 255)
        fixed = self._fixed(self.view.pixels(grid))
        corners = np.stack([fixed[:-1, :-1], fixed[:-1, 1:], fixed[1:, 1:], fixed[1:, :-1]], axis=2).reshape(-1, 4, 2)
        visible = np.flatnonzero(facing[..., 2].ravel() > -0.05)
        depth = middles(grid)[..., 2].ravel()[visible]
        order = visible[np.argsort(depth, kind="stable")]
        for patch, colour in zip(corners[order], colours.reshape(-1, 3)[order].tolist(), strict=True):
            cv2.fillConvexPoly(self.image, patch, colour, cv2.LINE_8, BINARY_PLACES)

    def polygon(self, points: np.ndarray, colour: np.ndarray | Colour) -> None:
        import cv2

        outline = self._fixed(self.pixels(points))
        cv2.fillPoly(self.image, [outline], _rgb(colour), cv2.LINE_AA, BINARY_PLACES)

    def line(self, points: np.ndarray, colour: np.ndarray | Colour, thickness: int = 1) -> None:
        """A line through points; its thickness is in pixels of the image."""
        self.pixel_line(self.pixels(points), colour, thickness)

    def pixel_line(self, pixels: np.ndarray, colour: np.ndarray | Colour, thickness: int = 1) -> None:
        """A line through pixels of the picture, shape (n, 2)."""
        import cv2

        line = self._fixed(pixels)
        cv2.polylines(self.image, [line], False, _rgb(colour), thickness, cv2.LINE_AA, BINARY_PLACES)

    def within(self, outline: np.ndarray, draw: Callable[[Canvas], None]) -> None:
        """Draw clipped to an outline: call ``draw`` on a copy of the part around it, and copy back what is inside."""
        import cv2

        pixels = self.pixels(outline) * SUPERSAMPLING
        left, top = np.maximum(np.floor(pixels.min(axis=0)).astype(int) - 2, 0)
        right, bottom = np.ceil(pixels.max(axis=0)).astype(int) + 3
        box = self.image[top:bottom, left:right]
        if not box.size:
            return
        part = Canvas(self.view, box.copy(), self.place, (left, top))
        draw(part)
        mask = np.zeros(box.shape[:2], np.uint8)
        cv2.fillPoly(mask, [part._fixed(part.pixels(outline))], 255, cv2.LINE_AA, BINARY_PLACES)
        weight = mask[..., None] / 255
        box[:] = np.rint(box * (1 - weight) + part.image * weight).astype(np.uint8)

    def picture(self, rng: np.random.Generator) -> np.ndarray:
        """The picture of a slightly soft and noisy camera: RGB of shape (HEIGHT, WIDTH, 3), uint8."""
        import cv2

        picture = cv2.resize(self.image, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
        picture = cv2.GaussianBlur(picture, (3, 3), 0.6).astype(np.int16)
        return np.clip(picture + rng.integers(-2, 3, picture.shape, dtype=np.int16), 0, 255).astype(np.uint8)

    def _fixed(self, pixels: np.ndarray) -> np.ndarray:
        """Pixels of the picture as OpenCV's fixed-point coordinates in the image."""
        # A pixel's centre has whole coordinates.
        finer = (pixels + 0.5) * SUPERSAMPLING - 0.5 - np.array(self.corner)
        return np.rint(finer * 2**BINARY_PLACES).astype(np.int32)


def middles(grid: np.ndarray) -> np.ndarray:
    """The mean of the corners of each patch: (r, c, n) -> (r - 1, c - 1, n)."""
    return (grid[:-1, :-1] + grid[:-1, 1:] + grid[1:, 1:] + grid[1:, :-1]) / 4


def normals(grid: np.ndarray) -> np.ndarray:
    """The unit normal of each patch, pointing out of the head: (r, c, 3) -> (r - 1, c - 1, 3)."""
    crossed = np.cross(grid[1:, 1:] - grid[:-1, :-1], grid[1:, :-1] - grid[:-1, 1:])
    return crossed / np.maximum(np.linalg.norm(crossed, axis=-1, keepdims=True), 1e-9)


def _rgb(colour: np.ndarray | Colour) -> list[float]:
    return np.clip(colour, 0, 255).tolist()
