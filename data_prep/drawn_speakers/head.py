"""A three-dimensional head, and how it moves in speech.

Millimetres; x to the right of the picture, y down, z towards the camera; the origin lies between the eyes, level with
the corners of the lids, on the axis of the skull.
"""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator

# Half the width of the head and its depth before the axis, from the crown to under the chin.
OUTLINE_Y = (-114, -110, -101, -86, -62, -32, 0, 30, 55, 78, 95, 108, 117, 122, 124)
OUTLINE_WIDTH = (3, 26, 45, 60, 72, 77, 77, 76, 72, 65, 56, 44, 30, 15, 3)
OUTLINE_DEPTH = (10, 36, 58, 75, 88, 92, 90, 91, 93, 93, 90, 87, 81, 72, 60)
ROWS, COLUMNS = 80, 61

CHIN_Y, MOUTH_Y, NOSE_Y, NOSE_BASE_Y, BROW_Y = 122.0, 78.0, 37.0, 50.0, -24.0
HINGE = np.array([0.0, 22.0, 5.0])  # the axis of the jaw

LIP = np.linspace(-1, 1, 21)  # along the lips, from corner to corner
LIP_ROWS = 5  # from the edge of the skin to the opening
INNER_CORNER = 0.92  # of the half width of the mouth


@dataclass(frozen=True)
class Proportions:
    """Proportions of a head, as factors on those of the mean head.

    Attributes:
        width, jaw_width, chin: of the head and the jaw, and how far down the chin reaches.
        eye_distance, eye_size, brow_height, brow_thickness: of the eyes and above them.
        nose_length, nose_width, nose_depth: of the nose.
        mouth_width, lip_thickness: of the mouth.
        cheeks: prominence of the cheekbones.
    """

    width: float = 1.0
    jaw_width: float = 1.0
    chin: float = 1.0
    eye_distance: float = 1.0
    eye_size: float = 1.0
    brow_height: float = 1.0
    brow_thickness: float = 1.0
    nose_length: float = 1.0
    nose_width: float = 1.0
    nose_depth: float = 1.0
    mouth_width: float = 1.0
    lip_thickness: float = 1.0
    cheeks: float = 1.0


@dataclass(frozen=True)
class Mouth:
    """The mouth in one frame as differences from rest, a row of :func:`.articulation.articulate`."""

    opening_mm: float
    jaw_mm: float
    spread: float
    protrusion: float
    press: float
    tuck: float
    tongue: float


@dataclass(frozen=True)
class Pose:
    """One head in one frame, in its own frame of reference: points of shape (..., 3) in millimetres.

    Attributes:
        skin: shape (ROWS, COLUMNS, 3).
        upper_lip, lower_lip: shape (LIP_ROWS, len(LIP), 3), from the skin to the opening.
        eyes: for the left and the right of the picture, the lids' outline, shape (24, 3), from corner to corner over
            the upper lid and back under the lower.
        brows: shape (2, 9, 3), from the outer to the inner end.
        nostrils: shape (2, 3).
        landmarks: shape (68, 3).
    """

    skin: np.ndarray
    upper_lip: np.ndarray
    lower_lip: np.ndarray
    eyes: np.ndarray
    brows: np.ndarray
    nostrils: np.ndarray
    landmarks: np.ndarray


class Head:
    """A head of given proportions."""

    def __init__(self, proportions: Proportions):
        self.proportions = p = proportions
        y = np.array(OUTLINE_Y, float)
        below = np.clip((y - NOSE_BASE_Y) / (CHIN_Y - NOSE_BASE_Y), 0, None)
        width = np.array(OUTLINE_WIDTH) * p.width * (1 + (p.jaw_width - 1) * np.minimum(below * 2, 1))
        y = np.where(below > 0, NOSE_BASE_Y + (y - NOSE_BASE_Y) * p.chin, y)
        self._width, self._depth = PchipInterpolator(y, width), PchipInterpolator(y, np.array(OUTLINE_DEPTH, float))
        self.mouth_y = NOSE_BASE_Y + (MOUTH_Y - NOSE_BASE_Y) * p.chin
        # Closer rows where the outline turns in.
        rows = y[0] + (y[-1] - y[0]) * (1 - np.cos(np.pi * np.linspace(0.04, 0.985, ROWS))) / 2
        self.angle = np.linspace(-1.9, 1.9, COLUMNS)
        x = self._width(rows)[:, None] * np.sin(self.angle)
        z = self._depth(rows)[:, None] * np.cos(self.angle)
        grid_y = np.broadcast_to(rows[:, None], x.shape)
        self._skin = np.stack([x, grid_y, z + self._features(x, grid_y) * (np.cos(self.angle) > 0)], axis=-1)

    def half_width(self, y: np.ndarray) -> np.ndarray:
        """Half the width of the skull at given heights."""
        return self._width(y)

    def surface(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Points of shape (..., 3) on the front of the resting face at given coordinates, arrays of equal shape."""
        inside = np.clip(1 - (x / self._width(y)) ** 2, 0, 1)
        return np.stack([x, y, self._depth(y) * np.sqrt(inside) + self._features(x, y)], axis=-1)

    def pose(self, mouth: Mouth, lids: float = 1.0, brows_mm: float = 0.0) -> Pose:
        """The head with its mouth, lids (1 open, 0 closed) and brows (millimetres raised) as given."""
        p = self.proportions
        upper, lower = self._lips(mouth)
        eyes = np.stack([self._eye(side, lids) for side in (-1, 1)])
        brows = np.stack([self._brow(side, brows_mm) for side in (-1, 1)])
        nostrils = self.surface(np.array([-8.0, 8.0]) * p.nose_width, np.full(2, self._nose(NOSE_BASE_Y) - 1.5))
        skin = self._moved(self._skin, mouth)
        return Pose(skin, upper, lower, eyes, brows, nostrils, self._landmarks(mouth, upper, lower, eyes, brows))

    def teeth_y(self) -> float:
        """How far down the upper teeth reach."""
        return self.mouth_y - 0.5

    def _nose(self, y: float) -> float:
        return y * self.proportions.nose_length if y <= NOSE_BASE_Y else y

    def _features(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Offset of nose, eye sockets, cheeks, lips and chin from the smooth skull, in millimetres."""
        p = self.proportions

        def bump(height, at_x, at_y, size_x, size_y):
            return height * np.exp(-(((np.abs(x) - at_x) / size_x) ** 2) - ((y - at_y) / size_y) ** 2)

        tip, base = self._nose(NOSE_Y), self._nose(NOSE_BASE_Y)
        # The bridge rises in a line to the tip and ends at the base.
        along = np.clip((y + 6) / (tip + 6), 0, 1)
        end = 1 / (1 + np.exp((y - base) / 1.6))
        nose = (4 + 16 * along**1.3) * p.nose_depth * end * _smooth((y + 24) / 26)
        nose = nose * np.exp(-((x / ((6.5 + 4.5 * along) * p.nose_width)) ** 2))
        wings = bump(7, 12 * p.nose_width, base - 6, 5 * p.nose_width, 6)
        eyes = 33 * p.eye_distance
        return (
            nose
            + wings
            + bump(-8, eyes - 3, 0, 17, 10)  # sockets
            + bump(4, 24 * p.eye_distance, BROW_Y + 4, 26, 8)  # brow ridge
            + bump(5 * p.cheeks, 44 * p.width, 30, 20, 17)  # cheekbones
            + bump(-2.5 * p.cheeks, 50 * p.width, 74, 14, 20)  # the hollow under them
            + bump(6, 0, self.mouth_y, 27, 17)  # the teeth behind the lips
            + bump(-3.5, 0, self.mouth_y + 19, 17, 6)  # the fold over the chin
            + bump(5, 0, CHIN_Y * p.chin - 14, 20, 13)  # chin
            + bump(-1.3, 0, (base + self.mouth_y) / 2 - 2, 5, 7)  # philtrum
            + bump(-2, 22, (base + self.mouth_y) / 2 + 2, 7, 12)  # the folds from nose to mouth
        )

    def _moved(self, points: np.ndarray, mouth: Mouth) -> np.ndarray:
        """Move points of the resting skin, shape (..., 3), with the mouth."""
        p = self.proportions
        x, y, z = np.moveaxis(points, -1, 0)
        # The jaw turns about its hinge; points above a line from the mouth's corners to the ears do not move.
        above = self.mouth_y - 0.75 * np.maximum(np.abs(x) - 24 * p.mouth_width, 0)
        with_jaw = _smooth((y - above + 5) / 26) * (z > 0)
        angle = mouth.jaw_mm / (self.mouth_y + 30) * with_jaw
        dy, dz = angle * (z - HINGE[2]), -angle * (y - HINGE[1]) * 0.55
        # The skin around the mouth moves with the lips.
        near = np.exp(-((x / (34 * p.mouth_width)) ** 2) - ((y - self.mouth_y) / 17) ** 2) * (z > 0)
        dx = x / (24 * p.mouth_width) * self._corner_shift_mm(mouth) * near
        dz = dz + 5 * mouth.protrusion * near
        lift = np.exp(-((x / 26) ** 2) - ((y - self.mouth_y + 9) / 9) ** 2) * (z > 0)
        dy = dy - 0.25 * mouth.opening_mm * lift
        return np.stack([x + dx, y + dy, z + dz], axis=-1)

    def _corner_shift_mm(self, mouth: Mouth) -> float:
        """How far a corner of the mouth goes outwards."""
        return (3.6 if mouth.spread > 0 else 7.5) * mouth.spread * self.proportions.mouth_width

    def _lips(self, mouth: Mouth) -> tuple[np.ndarray, np.ndarray]:
        p = self.proportions
        half = 25 * p.mouth_width + self._corner_shift_mm(mouth)
        # A rounded mouth opens like a circle, a spread one like an almond.
        shape = (1 - np.abs(LIP) ** (2.2 + max(-mouth.spread, 0))) ** (0.9 - 0.25 * max(-mouth.spread, 0))
        corner_y = self.mouth_y + 0.22 * mouth.opening_mm
        line = corner_y + 1.2 * np.cos(np.pi * LIP) * (1 - np.abs(LIP))
        upper_inner = line - (0.22 + 0.25) * mouth.opening_mm * shape
        lower_inner = line + 0.53 * mouth.opening_mm * shape - 2.5 * mouth.tuck * shape
        lower_inner = np.maximum(lower_inner, upper_inner)
        thin = (1 - 0.3 * mouth.press) * p.lip_thickness
        bow = 1 + 0.16 * np.exp(-(((np.abs(LIP) - 0.26) / 0.16) ** 2)) - 0.1 * np.exp(-((LIP / 0.1) ** 2))
        upper_thick = 7.5 * thin * (1 - np.abs(LIP) ** 1.9) ** 0.85 * bow * (1 - 0.12 * max(mouth.spread, 0))
        lower_thick = 9.5 * thin * (1 - np.abs(LIP) ** 2.3) ** 0.75 * (1 - 0.45 * mouth.tuck)
        rows = np.linspace(0, 1, LIP_ROWS)[:, None]
        x = half * LIP * (1 + (INNER_CORNER - 1) * rows)
        # Full in the middle of the lip, less towards the opening; a lower lip tucked under the teeth moves back.
        full = np.sin(np.pi * (0.12 + 0.68 * rows)) * (1 - LIP**2) ** 0.6 * 4.2 * p.lip_thickness
        upper_y = upper_inner - upper_thick * (1 - rows)
        lower_y = lower_inner + lower_thick * (1 - rows)
        front = self.surface(x, np.full_like(x, self.mouth_y))[..., 2] + 6.5 * mouth.protrusion * (1 - 0.5 * LIP**2)
        jaw_back = 0.25 * mouth.jaw_mm * (1 - LIP**2)
        upper = np.stack([x, upper_y, front + full - 1.0], axis=-1)
        lower = np.stack([x, lower_y, front + full - jaw_back - 5 * mouth.tuck * rows * (1 - LIP**2)], axis=-1)
        return upper, lower

    def _eye(self, side: int, lids: float) -> np.ndarray:
        p = self.proportions
        half = 14.5 * p.eye_size
        along = np.linspace(-1, 1, 13)
        closed = 2.2 * (1 - along**2)
        # The inner corner lies a little lower, and the upper lid is highest inside of the middle.
        over = -6.6 * p.eye_size * (1 - np.abs(along) ** 2.2) ** 0.8
        under = 3.8 * p.eye_size * (1 - along**2)
        upper = closed + (over - closed) * lids
        lower = closed + (under - closed) * (0.25 + 0.75 * lids)
        x = side * 33 * p.eye_distance + half * np.concatenate([along, along[-2:0:-1]])
        y = np.concatenate([upper, np.maximum(upper, lower)[-2:0:-1]])
        return self.surface(x, y) + np.array([0, 0, 2.5])

    def _brow(self, side: int, raised_mm: float) -> np.ndarray:
        p = self.proportions
        along = np.linspace(0, 1, 9)
        x = side * (60 - 45 * along) * (0.5 + 0.5 * p.eye_distance)
        y = (
            BROW_Y * p.brow_height
            + 4.5 * (1 - along) ** 2
            - 2.5 * np.sin(np.pi * along**0.8)
            + 5 * along**2.5
            - raised_mm
        )
        return self.surface(x, y) + np.array([0, 0, 1.5])

    def _landmarks(self, mouth: Mouth, upper: np.ndarray, lower: np.ndarray, eyes: np.ndarray, brows: np.ndarray):
        """The 68 points of the Multi-PIE convention, at their positions in MediaPipe's mesh."""
        p = self.proportions
        points = np.zeros((68, 3))
        # The outline from temple to temple, round the chin.
        jaw_y = np.array([-16, 16, 32, 68, 83, 94, 109, 119, 119.5])
        jaw_y = np.where(jaw_y > NOSE_BASE_Y, NOSE_BASE_Y + (jaw_y - NOSE_BASE_Y) * p.chin, jaw_y)
        jaw_angle = np.array([1.33, 1.36, 1.38, 1.45, 1.4, 1.3, 0.98, 0.6, 0])
        left = np.stack(
            [-self._width(jaw_y) * np.sin(jaw_angle), jaw_y, self._depth(jaw_y) * np.cos(jaw_angle)], axis=-1
        )
        outline = np.concatenate([left, left[-2::-1] * [-1, 1, 1]])
        points[0:17] = self._moved(outline, mouth)
        # Along the upper edge of the brows, and a little further out.
        points[17:22] = brows[0][[0, 2, 4, 6, 8]] + np.array([-5, -5, -5, -5, 1])[:, None] * [1, 0, 0] + [0, -2.5, 0]
        points[22:27] = brows[1][[8, 6, 4, 2, 0]] + np.array([-1, 5, 5, 5, 5])[:, None] * [1, 0, 0] + [0, -2.5, 0]
        tip = self._nose(NOSE_Y)
        points[27:31] = self.surface(np.zeros(4), np.array([-2.5, tip * 0.42, tip * 0.84, tip * 1.08]))
        base = self._nose(NOSE_BASE_Y)
        across = np.array([-14, -6, 0, 6, 14]) * p.nose_width
        points[31:36] = self.surface(across, base + np.array([-1, 2, 3, 2, -1]))
        points[36:42] = eyes[0][[0, 4, 8, 12, 16, 20]]
        points[42:48] = eyes[1][[0, 4, 8, 12, 16, 20]]
        points[48:55] = _along(upper[0], (-0.93, -0.55, -0.28, 0, 0.28, 0.55, 0.93))
        points[55:60] = _along(lower[0], (0.6, 0.35, 0, -0.35, -0.6))
        points[60:65] = _along(upper[-1], (-0.94, -0.28, 0, 0.28, 0.94))
        points[65:68] = _along(lower[-1], (0.28, 0, -0.28))
        return points


def _along(curve: np.ndarray, at: tuple[float, ...]) -> np.ndarray:
    """Points of shape (len(at), 3) on a lip's edge, at positions from -1 to 1."""
    return np.stack([np.interp(at, LIP, curve[:, axis]) for axis in range(3)], axis=-1)


def _smooth(value: np.ndarray) -> np.ndarray:
    """Smooth step: from 0 to 1 as the value goes from 0 to 1."""
    value = np.clip(value, 0, 1)
    return value * value * (3 - 2 * value)
