"""A head in front of a camera -> pictures, drawn with OpenCV: shaded patches from back to front, eyes, mouth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .gestures import Gestures
from .head import LIP, Head, Mouth, Pose

WIDTH, HEIGHT = 360, 288  # GRID's
FINER = 2  # drawn larger by this factor and scaled down, which softens every edge
BINARY_PLACES = 4  # of the coordinates given to OpenCV
STRANDS = 260  # of hair that are drawn one by one
CAMERA_MM = 900.0  # from the axis of the skull
HEAD_MIDDLE = np.array([0.0, 35.0, 0.0])  # what stands in the middle of the picture

Colour = tuple[float, float, float]  # RGB, 0 to 255


@dataclass(frozen=True)
class Look:
    """Colours, hair, light and camera.

    Attributes:
        skin, lips, hair, brows, iris, clothes, background: colours.
        stubble: 0 for none to 1.
        hairline_mm: how far over the eyes the hair begins.
        sideburn_mm: how far down it grows before the ears.
        hair_mm: how far it stands off.
        hair_length_mm: how far below the eyes long hair falls; 0 for short hair.
        neckline_mm: how far below the chin the clothes begin.
        light: direction to the light, x to the right, y down, z to the camera.
        pixels_per_mm: how large the head is in the picture.
        centre: where the middle of the head stands, as a share of the picture's width and height.
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
    light: tuple[float, float, float]
    pixels_per_mm: float
    centre: tuple[float, float]
    turn: tuple[float, float, float]


class Renderer:
    """Draws one head with one look; the seed is that of skin, hair and cloth."""

    def __init__(self, head: Head, look: Look, texture_seed: int):
        self.head, self.look = head, look
        self._rng = rng = np.random.default_rng(texture_seed)
        self._background = self._draw_background()
        rest = head.pose(Mouth(0, 0, 0, 0, 0, 0, 0)).skin
        hairy = self._hairiness(rest)
        outwards = rest - [0, -20, 0]
        outwards = outwards / np.linalg.norm(outwards, axis=-1, keepdims=True)
        strands = 0.75 + 0.5 * rng.random(rest.shape[1])[None, :, None]
        self._hair_offset = outwards * hairy[..., None] * look.hair_mm * strands
        self._skin_albedo = _middles(self._paint_skin(rest, hairy))
        self._strands = self._grow_strands(hairy)
        self._locks = rng.normal(0.9, 0.12, 42)
        self._neck, self._neck_albedo = self._make_neck()
        self._torso, self._torso_albedo = self._make_torso()

    def frames(
        self, mouths: list[Mouth], gestures: Gestures, rng: np.random.Generator
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Pictures, RGB of shape (HEIGHT, WIDTH, 3), uint8, each with its 68 landmarks in pixels, shape (68, 2).

        ``rng`` gives the camera's noise.
        """
        for index, mouth in enumerate(mouths):
            pose = self.head.pose(mouth, gestures.lids[index], gestures.brows_mm[index])
            canvas, points = self._draw(pose, mouth, gestures, index)
            yield _taken(canvas, rng), points

    def _draw(self, pose: Pose, mouth: Mouth, gestures: Gestures, index: int) -> tuple[np.ndarray, np.ndarray]:
        look = self.look
        turn = _rotation(np.array(look.turn) + gestures.turn[index])
        shift = gestures.shift_mm[index]
        breath = np.array([0, 1.2 * gestures.breath[index], 0])

        def placed(points: np.ndarray) -> np.ndarray:
            # The head turns about the top of the neck.
            return (points - [0, 60, -25]) @ turn.T + [0, 60, -25] + shift + 0.4 * breath

        canvas = self._background.copy()
        if look.hair_length_mm:
            self._draw_long_hair(canvas, placed, behind=True)
        neck = self._neck.copy()
        # The neck's upper end goes with the head.
        weight = np.linspace(1, 0, len(neck))[:, None, None]
        neck = placed(neck) * weight + (neck + breath) * (1 - weight)
        self._draw_patches(canvas, neck, self._neck_albedo)
        self._draw_patches(canvas, self._torso + breath, self._torso_albedo)
        self._draw_ears(canvas, placed)
        skin = placed(pose.skin + self._hair_offset)
        self._draw_patches(canvas, skin, self._skin_albedo)
        self._draw_strands(canvas, skin)
        self._draw_nostrils(canvas, placed(pose.nostrils))
        self._draw_mouth(canvas, placed, pose, mouth)
        for side in (0, 1):
            self._draw_eye(canvas, placed, pose.eyes[side], gestures.gaze[index], gestures.lids[index])
            self._draw_brow(canvas, placed(pose.brows[side]))
        if look.hair_length_mm:
            self._draw_long_hair(canvas, placed, behind=False)
        return canvas, self._pixels(placed(pose.landmarks)).astype(np.float32)

    # Places and colours

    def _pixels(self, points: np.ndarray) -> np.ndarray:
        """Points of shape (..., 3) as seen by the camera, in pixels of the final picture, shape (..., 2)."""
        look = self.look
        scale = look.pixels_per_mm * CAMERA_MM / (CAMERA_MM - points[..., 2:])
        return (points - HEAD_MIDDLE)[..., :2] * scale + np.array(look.centre) * (WIDTH, HEIGHT)

    def _fixed(self, points: np.ndarray) -> np.ndarray:
        """Points of shape (..., 3) on the finer canvas, as OpenCV's fixed-point coordinates."""
        # A pixel's centre has whole coordinates.
        pixels = (self._pixels(points) + 0.5) * FINER - 0.5
        return np.rint(pixels * 2**BINARY_PLACES).astype(np.int32)

    def _shade(self, normals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How bright a surface is, and how much it shines, by its normals of shape (..., 3)."""
        light = np.array(self.look.light) / np.linalg.norm(self.look.light)
        diffuse = np.clip((normals @ light + 0.25) / 1.25, 0, 1)
        half = light + np.array([0, 0, 1])
        shine = np.clip(normals @ (half / np.linalg.norm(half)), 0, 1) ** 24
        return 0.5 + 0.58 * diffuse, shine

    def _draw_patches(self, canvas: np.ndarray, grid: np.ndarray, albedo: np.ndarray, shine: float = 22.0) -> None:
        """Draw a surface given as points of shape (r, c, 3), its patches' colours of shape (r - 1, c - 1, 3)."""
        import cv2

        normals = _normals(grid)
        bright, shining = self._shade(normals)
        colours = np.clip(albedo * bright[..., None] + shine * shining[..., None], 0, 255)
        fixed = self._fixed(grid)
        corners = np.stack([fixed[:-1, :-1], fixed[:-1, 1:], fixed[1:, 1:], fixed[1:, :-1]], axis=2).reshape(-1, 4, 2)
        visible = np.flatnonzero(normals[..., 2].ravel() > -0.05)
        depth = _middles(grid)[..., 2].ravel()[visible]
        order = visible[np.argsort(depth, kind="stable")]
        for patch, colour in zip(corners[order], colours.reshape(-1, 3)[order].tolist(), strict=True):
            cv2.fillConvexPoly(canvas, patch, colour, cv2.LINE_8, BINARY_PLACES)

    # What does not change from frame to frame

    def _draw_background(self) -> np.ndarray:
        height, width = HEIGHT * FINER, WIDTH * FINER
        y, x = np.mgrid[0:height, 0:width] / [[[height]], [[width]]]
        light = 1.08 - 0.55 * ((x - 0.5) ** 2 + (y - 0.4) ** 2) - 0.1 * y
        return np.clip(light[..., None] * self.look.background, 0, 255).astype(np.uint8)

    def _hairiness(self, rest: np.ndarray) -> np.ndarray:
        """From 0 for skin to 1 for hair, for each point of the skin."""
        look, angle = self.look, np.abs(self.head.angle)
        # The hairline comes down before the ears.
        line = -look.hairline_mm + 10 * np.clip(angle / 0.9, 0, 1) ** 2
        temples = np.clip((angle - 0.95) / 0.3, 0, 1)
        line = line * (1 - temples) + look.sideburn_mm * temples
        line = np.where(angle > 1.45, 70, line) + self._rng.normal(0, 1.2, len(angle))
        return np.clip((line - rest[..., 1]) / 8 + 0.5, 0, 1)

    def _paint_skin(self, rest: np.ndarray, hairy: np.ndarray) -> np.ndarray:
        look, head = self.look, self.head
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

    def _grow_strands(self, hairy: np.ndarray) -> list[tuple[int, float, int, int, float]]:
        """Single strands: the column and the share of the next one, the first and last row, and how bright."""
        strands = []
        for _ in range(STRANDS):
            column, share = self._rng.integers(hairy.shape[1] - 1), self._rng.random()
            rows = np.flatnonzero(hairy[:, column] > 0.5)
            if self.look.hair_mm and len(rows) > 4:
                first, last = np.sort(self._rng.integers(rows[0], rows[-1] + 3, 2))
                strands.append((column, share, max(first, 2), last, self._rng.normal(1, 0.3)))
        return strands

    def _make_neck(self) -> tuple[np.ndarray, np.ndarray]:
        angle = np.linspace(-1.5, 1.5, 25)
        y = np.linspace(80, 185, 28)
        radius = 50 * self.head.proportions.width + 12 * np.clip((y - 150) / 35, 0, 1) ** 2
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
        return grid, _middles(np.ones(grid.shape) * self.look.skin * shadow[:, None, None])

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
        albedo = np.ones(grid.shape) * self.look.clothes * folds
        edge = 122 + self.look.neckline_mm - 0.016 * grid[..., 0] ** 2
        bare = np.clip((edge - grid[..., 1]) / 4 + 0.5, 0, 1)[..., None]
        return grid, _middles(albedo + bare * (np.array(self.look.skin) * 0.93 - albedo))

    # What is drawn in each frame

    def _draw_long_hair(self, canvas: np.ndarray, placed, behind: bool) -> None:
        look = self.look
        y = np.linspace(-95, look.hair_length_mm, 24)
        head = self.head.half_width(np.minimum(y, 0)) + look.hair_mm
        outer = head + 14 * np.clip(y / 90, 0, 1)
        if behind:
            across = np.linspace(-1, 1, 33)
            x = outer[:, None] * across
            depth = -40 + 10 * np.cos(across * np.pi / 2) + 0 * x
            tips = 8 * np.cos(across * np.pi / 2)
            self._hair_patches(canvas, placed, x, y[:, None] + tips * (y[:, None] > 0), depth, self._locks[:33])
            return
        along = np.clip((y + 70) / (look.hair_length_mm + 70), 0, 1)
        inner = outer - 26 * np.sin(np.pi * along**0.6 * 0.86) ** 0.8
        for side in (-1, 1):
            across = np.linspace(0, 1, 9)
            share = across if side > 0 else across[::-1]
            x = side * (inner[:, None] + (outer - inner)[:, None] * share)
            depth = 6 + 9 * np.sin(np.pi * share) + 0 * x
            tips = 10 * np.sin(np.pi * (0.2 + 0.8 * share)) * along[:, None] ** 6
            self._hair_patches(canvas, placed, x, y[:, None] + tips, depth, self._locks[33:42])

    def _hair_patches(self, canvas: np.ndarray, placed, x, y, depth, locks: np.ndarray) -> None:
        grid = np.stack([x, np.broadcast_to(y, x.shape), depth], axis=-1)
        albedo = np.ones(grid.shape) * self.look.hair * locks[None, :, None]
        self._draw_patches(canvas, placed(grid), _middles(albedo), shine=8.0)

    def _draw_strands(self, canvas: np.ndarray, skin: np.ndarray) -> None:
        import cv2

        bright, _ = self._shade(_normals(skin))
        fixed = self._fixed(skin)
        for column, share, first, last, tone in self._strands:
            if last - first < 2 or skin[last, column, 2] < -20:
                continue
            line = fixed[first:last, column] * (1 - share) + fixed[first:last, column + 1] * share
            colour = np.array(self.look.hair) * tone * bright[(first + last) // 2 - 1, column] + 6 * tone
            cv2.polylines(
                canvas,
                [np.rint(line).astype(np.int32)],
                False,
                np.clip(colour, 0, 255).tolist(),
                1,
                cv2.LINE_AA,
                BINARY_PLACES,
            )

    def _draw_ears(self, canvas: np.ndarray, placed) -> None:
        import cv2

        turn = np.linspace(0, 2 * np.pi, 24)
        for side in (-1, 1):
            for size, tone in ((1.0, 0.82), (0.62, 0.62)):
                ear = np.stack(
                    [
                        side * (77 * self.head.proportions.width + 8 * size * np.cos(turn)),
                        14 + 29 * size * np.sin(turn) - 4 * np.cos(turn),
                        np.full(24, -5.0),
                    ],
                    axis=-1,
                )
                colour = (np.array(self.look.skin) * (tone, tone * 0.92, tone * 0.9)).tolist()
                cv2.fillPoly(canvas, [self._fixed(placed(ear))], colour, cv2.LINE_AA, BINARY_PLACES)

    def _draw_nostrils(self, canvas: np.ndarray, nostrils: np.ndarray) -> None:
        import cv2

        for side, nostril in zip((-1, 1), nostrils, strict=True):
            turn = np.linspace(0, 2 * np.pi, 12)
            outline = nostril + np.stack(
                [4.2 * np.cos(turn), 1.9 * np.sin(turn) - side * np.cos(turn), 0 * turn], axis=-1
            )
            dark = (np.array(self.look.skin) * (0.36, 0.28, 0.27)).tolist()
            cv2.fillPoly(canvas, [self._fixed(outline)], dark, cv2.LINE_AA, BINARY_PLACES)

    def _draw_mouth(self, canvas: np.ndarray, placed, pose: Pose, mouth: Mouth) -> None:
        import cv2

        upper, lower = placed(pose.upper_lip), placed(pose.lower_lip)
        opening = np.concatenate([upper[-1], lower[-1][-2:0:-1]])
        inside = self._fixed(opening)
        self._within(canvas, inside, lambda layer: self._draw_inside(layer, placed, pose, mouth))
        for lip, tone in ((upper, 0.9), (lower, 1.0)):
            # The outer edge fades into the skin.
            rows = np.linspace(0, 1, len(lip) - 1)[:, None, None]
            edge = np.clip(1 - 2.2 * rows, 0, 1) * 0.4
            colour = np.array(self.look.lips) * tone * (1 - 0.18 * rows)
            albedo = colour + edge * (np.array(self.look.skin) - colour)
            albedo = np.broadcast_to(albedo, (len(lip) - 1, len(LIP) - 1, 3))
            self._draw_patches(
                canvas, lip if lip is upper else lip[::-1], albedo if lip is upper else albedo[::-1], 30.0
            )
        dark = (np.array(self.look.lips) * 0.45).tolist()
        edges = [self._fixed(upper[-1]), self._fixed(lower[-1])]
        cv2.polylines(canvas, edges, False, dark, 1, cv2.LINE_AA, BINARY_PLACES)

    def _draw_inside(self, layer: np.ndarray, placed, pose: Pose, mouth: Mouth) -> None:
        """Tongue and teeth, drawn over everything: only the part between the lips is kept."""
        import cv2

        head = self.head
        layer[:] = (30, 8, 10)
        # Little light comes in between lips that hardly part.
        lit = 0.5 + 0.5 * min(mouth.opening_mm / 8, 1)
        turn = np.linspace(0, 2 * np.pi, 24)
        front = pose.upper_lip[-1, len(LIP) // 2, 2] - 9
        bottom = pose.lower_lip[-1, len(LIP) // 2, 1]
        tongue_y = bottom + 5 - 5 * mouth.tongue
        tongue = np.stack([13 * np.cos(turn), tongue_y + 6 * np.sin(turn), np.full(24, front - 4)], axis=-1)
        cv2.fillPoly(
            layer, [self._fixed(placed(tongue))], (np.array((122, 50, 54)) * lit).tolist(), cv2.LINE_AA, BINARY_PLACES
        )
        for top, end, bright in (
            (head.mouth_y - 14, head.teeth_y(), 1.0),
            (bottom - 0.5, bottom + 12, 0.6),
        ):
            x = np.linspace(-19, 19, 13)
            z = front - 0.012 * x**2
            edge = end - 0.006 * x**2 if bright == 1.0 else np.full_like(x, end)
            teeth = np.concatenate(
                [np.stack([x, np.full_like(x, top), z], axis=-1), np.stack([x, edge, z], axis=-1)[::-1]]
            )
            colour = (np.array((222, 214, 200)) * bright * lit).tolist()
            cv2.fillPoly(layer, [self._fixed(placed(teeth))], colour, cv2.LINE_AA, BINARY_PLACES)

    def _draw_eye(self, canvas: np.ndarray, placed, lids: np.ndarray, gaze: np.ndarray, open_: float) -> None:
        import cv2

        outline = self._fixed(placed(lids))
        size = self.head.proportions.eye_size
        centre = np.array([(lids[0, 0] + lids[12, 0]) / 2 + 3.5 * gaze[0], -1.2 + 1.2 * gaze[1], lids[6, 2]])
        turn = np.linspace(0, 2 * np.pi, 28)
        circle = np.stack([np.cos(turn), np.sin(turn), 0 * turn], axis=-1)

        def draw(layer: np.ndarray) -> None:
            layer[:] = (222, 216, 212)
            shadow = self._fixed(placed(lids[:13] + np.array([0, 1.6, 0])))
            cv2.polylines(layer, [shadow], False, (160, 150, 148), 3 * FINER, cv2.LINE_AA, BINARY_PLACES)
            for radius, colour in (
                (6.2, np.array(self.look.iris) * 0.55),
                (5.4, np.array(self.look.iris)),
                (2.4, np.array((14, 12, 12))),
            ):
                disc = self._fixed(placed(centre + radius * size * circle))
                cv2.fillPoly(layer, [disc], colour.tolist(), cv2.LINE_AA, BINARY_PLACES)
            glint = self._fixed(placed(centre + [-1.8, -2, 1] + 1.1 * circle))
            cv2.fillPoly(layer, [glint], (250, 250, 250), cv2.LINE_AA, BINARY_PLACES)

        if open_ > 0.1:
            self._within(canvas, outline, draw)
        dark = (0.35 * np.array(self.look.brows) + 12).tolist()
        cv2.polylines(canvas, [outline[:13]], False, dark, FINER, cv2.LINE_AA, BINARY_PLACES)
        under = (np.array(self.look.skin) * 0.66).tolist()
        cv2.polylines(canvas, [outline[12:]], False, under, 1, cv2.LINE_AA, BINARY_PLACES)
        fold = self._fixed(placed(lids[1:12] * [1, 0.8, 1] + [0, -4.2 - 1.2 * open_, 0]))
        cv2.polylines(canvas, [fold], False, (np.array(self.look.skin) * 0.7).tolist(), 1, cv2.LINE_AA, BINARY_PLACES)

    def _draw_brow(self, canvas: np.ndarray, brow: np.ndarray) -> None:
        import cv2

        thick = 3.4 * self.head.proportions.brow_thickness * np.sin(np.pi * (0.12 + 0.72 * np.linspace(0, 1, 9)))
        up = np.stack([0 * thick, thick, 0 * thick], axis=-1)
        outline = self._fixed(np.concatenate([brow - up * 0.8, (brow + up * 0.8)[::-1]]))
        cv2.fillPoly(canvas, [outline], self.look.brows, cv2.LINE_AA, BINARY_PLACES)

    def _within(self, canvas: np.ndarray, outline: np.ndarray, draw) -> None:
        """Call ``draw`` on a layer, and take over to the canvas what lies inside an outline."""
        import cv2

        mask = np.zeros(canvas.shape[:2], np.uint8)
        cv2.fillPoly(mask, [outline], 255, cv2.LINE_AA, BINARY_PLACES)
        layer = canvas.copy()
        draw(layer)
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        if len(rows):
            box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            weight = mask[box][..., None] / 255
            canvas[box] = np.rint(canvas[box] * (1 - weight) + layer[box] * weight).astype(np.uint8)


def _taken(canvas: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The picture that a camera, a little soft and noisy, takes of the canvas."""
    import cv2

    picture = cv2.resize(canvas, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    picture = cv2.GaussianBlur(picture, (3, 3), 0.6).astype(np.int16)
    return np.clip(picture + rng.integers(-2, 3, picture.shape, dtype=np.int16), 0, 255).astype(np.uint8)


def _middles(grid: np.ndarray) -> np.ndarray:
    """The mean of the corners of each patch: (r, c, n) -> (r - 1, c - 1, n)."""
    return (grid[:-1, :-1] + grid[:-1, 1:] + grid[1:, 1:] + grid[1:, :-1]) / 4


def _normals(grid: np.ndarray) -> np.ndarray:
    """The unit normal of each patch, pointing out of the head: (r, c, 3) -> (r - 1, c - 1, 3)."""
    normals = np.cross(grid[1:, 1:] - grid[:-1, :-1], grid[1:, :-1] - grid[:-1, 1:])
    return normals / np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-9)


def _rotation(turn: np.ndarray) -> np.ndarray:
    """The matrix that turns about x, then y, then z, by angles in radians."""
    from scipy.spatial.transform import Rotation

    return Rotation.from_euler("xyz", turn).as_matrix()
