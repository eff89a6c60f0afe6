"""A speaker's appearance: colours and hair, and the coloured surfaces of head, neck and torso."""

from dataclasses import dataclass

import numpy as np

from .canvas import Colour, View, middles
from .head import Head, Mouth

STRANDS = 260  # number of single hairs that are drawn


@dataclass(frozen=True)
class Look:
    """Colours, hair, camera and light.

    Attributes:
        skin, lips, hair, brows, iris, clothes, background: colours.
        stubble: 0 for none to 1.
        hairline_mm: height of the hairline above the eyes.
        sideburn_mm: how far below the eyes the sideburns reach.
        hair_mm: thickness of the hair.
        hair_length_mm: how far below the eyes long hair reaches; 0 for short hair.
        neckline_mm: how far below the chin the clothes begin.
        turn: shape (3,), radians: how the head is held, about x, y and z.
    """

    skin: Colour
    lips: Colour
    hair: Colour
    brows: Colour
    iris: Colour
    clothes: Colour
    background: Colour
    stubble: float
    hairline_mm: float
    sideburn_mm: float
    hair_mm: float
    hair_length_mm: float
    neckline_mm: float
    view: View
    turn: tuple[float, float, float]


@dataclass(frozen=True)
class Strand:
    """A single hair on the grid of the skin: a column and the share of the next one, its rows, and its brightness."""

    column: int
    share: float
    first: int
    last: int
    tone: float


class Surfaces:
    """The surfaces of a speaker that are the same in every frame; the seed is for skin, hair and cloth.

    Attributes:
        skin_albedo: colours of the patches of the head.
        hair_offset: offset by the hair of each point of the head, shape of the skin's grid.
        strands: single hairs.
        locks: brightness of each column of long hair.
        neck, neck_albedo, torso, torso_albedo: points of a grid, and the colours of its patches.
    """

    def __init__(self, head: Head, look: Look, seed: int):
        self._head, self._look, self._rng = head, look, np.random.default_rng(seed)
        rest = head.pose(Mouth(0, 0, 0, 0, 0, 0, 0)).skin
        hairy = self._hairiness(rest)
        outwards = rest - [0, -20, 0]
        outwards = outwards / np.linalg.norm(outwards, axis=-1, keepdims=True)
        strands = 0.75 + 0.5 * self._rng.random(rest.shape[1])[None, :, None]
        self.hair_offset = outwards * hairy[..., None] * look.hair_mm * strands
        self.skin_albedo = middles(self._paint_skin(rest, hairy))
        self.strands = self._grow_strands(hairy)
        self.locks = self._rng.normal(0.9, 0.12, 42)
        self.neck, self.neck_albedo = self._make_neck()
        self.torso, self.torso_albedo = self._make_torso()

    def _hairiness(self, rest: np.ndarray) -> np.ndarray:
        """From 0 for skin to 1 for hair, for each point of the skin."""
        look, angle = self._look, np.abs(self._head.angle)
        # The hairline comes down before the ears.
        line = -look.hairline_mm + 10 * np.clip(angle / 0.9, 0, 1) ** 2
        temples = np.clip((angle - 0.95) / 0.3, 0, 1)
        line = line * (1 - temples) + look.sideburn_mm * temples
        line = np.where(angle > 1.45, 70, line) + self._rng.normal(0, 1.2, len(angle))
        return np.clip((line - rest[..., 1]) / 8 + 0.5, 0, 1)

    def _paint_skin(self, rest: np.ndarray, hairy: np.ndarray) -> np.ndarray:
        look, head = self._look, self._head
        x, y = rest[..., 0], rest[..., 1]
        tone = np.ones((*x.shape, 3)) * look.skin

        def blend(weight: np.ndarray, colour: np.ndarray) -> None:
            tone[:] += np.clip(weight, 0, 1)[..., None] * (colour - tone)

        def spot(at_x, at_y, size_x, size_y):
            return np.exp(-(((np.abs(x) - at_x) / size_x) ** 2) - ((y - at_y) / size_y) ** 2)

        skin = np.array(look.skin)
        blend(0.35 * spot(45, 35, 18, 18), skin * (1.02, 0.8, 0.78))
        blend(0.3 * spot(0, 40, 10, 10), skin * (1.02, 0.82, 0.8))
        blend(0.4 * spot(30, -3, 17, 9), skin * (0.78, 0.7, 0.7))
        blend(0.25 * spot(27, 9, 12, 5), skin * (0.78, 0.7, 0.72))
        beard = np.clip((y - 62) / 14, 0, 1) * np.clip((np.abs(x) - 12) / 12 + (y - head.mouth_y) / 8, 0, 1)
        blend(0.42 * look.stubble * np.clip(beard + spot(0, 64, 24, 6), 0, 1), 0.6 * np.array(look.hair) + 0.15 * skin)
        tone *= 1 + 0.018 * self._rng.standard_normal((*x.shape, 1))
        strands = 0.8 + 0.4 * self._rng.random(x.shape[1])[None, :, None] + 0.12 * self._rng.random((*x.shape, 1))
        hair = np.array(look.hair) * strands
        return tone + hairy[..., None] * (hair - tone)

    def _grow_strands(self, hairy: np.ndarray) -> list[Strand]:
        strands = []
        for _ in range(STRANDS):
            column, share = self._rng.integers(hairy.shape[1] - 1), self._rng.random()
            rows = np.flatnonzero(hairy[:, column] > 0.5)
            if self._look.hair_mm and len(rows) > 4:
                first, last = np.sort(self._rng.integers(rows[0], rows[-1] + 3, 2))
                strands.append(Strand(column, share, max(first, 2), last, self._rng.normal(1, 0.3)))
        return strands

    def _make_neck(self) -> tuple[np.ndarray, np.ndarray]:
        angle = np.linspace(-1.5, 1.5, 25)
        y = np.linspace(80, 185, 28)
        radius = 50 * self._head.proportions.width + 12 * np.clip((y - 150) / 35, 0, 1) ** 2
        grid = np.stack(
            [
                radius[:, None] * np.sin(angle),
                np.broadcast_to(y[:, None], (len(y), len(angle))),
                0.8 * radius[:, None] * np.cos(angle) - 22,
            ],
            axis=-1,
        )
        # The chin's shadow.
        shadow = 0.55 + 0.38 * np.clip((y - 118) / 40, 0, 1)
        return grid, middles(np.ones(grid.shape) * self._look.skin * shadow[:, None, None])

    def _make_torso(self) -> tuple[np.ndarray, np.ndarray]:
        across = np.linspace(-1, 1, 41)
        y = np.linspace(0, 1, 26)
        half = 56 + 150 * np.clip(y / 0.45, 0, 1) ** 0.75 + 30 * y
        fall = 148 + 32 * np.sqrt(across**2 + 0.04) + 26 * np.abs(across) ** 6
        grid = np.stack(
            [
                half[:, None] * across,
                fall[None, :] + 150 * y[:, None] ** 1.3,
                70 * np.sqrt(1 - (0.97 * across) ** 2) - 45 + 30 * y[:, None],
            ],
            axis=-1,
        )
        folds = (
            1 + 0.03 * self._rng.standard_normal((1, len(across), 1)) + 0.015 * self._rng.standard_normal((26, 41, 1))
        )
        albedo = np.ones(grid.shape) * self._look.clothes * folds
        edge = 122 + self._look.neckline_mm - 0.016 * grid[..., 0] ** 2
        bare = np.clip((edge - grid[..., 1]) / 4 + 0.5, 0, 1)[..., None]
        return grid, middles(albedo + bare * (np.array(self._look.skin) * 0.93 - albedo))
