"""Landmark tracks -> what the model sees of the face, on the grid of the STFT frames."""

import numpy as np

from ..config import StftConfig, VisualConfig
from ..timebase import frame_centres_s, video_grid_s
from .tracks import LEFT_EYE, RIGHT_EYE, Tracks

# Deviations below this, in eye distances, are the tracker's noise.
STILL = 2e-3
JAW, NOSE_BRIDGE, MOUTH = range(0, 17), range(27, 31), range(48, 68)
# Heights below the base of the nose and widths, from which a face cannot be told as from the outline of its jaw.
NOSE_BASE, CHIN = 33, 8
WIDTHS = ((48, 54), (60, 64), (49, 53), (59, 55))  # corners without and within, the upper and the lower lip
HEIGHTS = (  # the mean of the second points lies below that of the first
    ((62,), (66,)),  # opening between the lips, in the middle
    ((61, 63), (67, 65)),  # at the sides
    ((51,), (57,)),  # from rim to rim
    ((51,), (62,)),  # of the upper lip
    ((66,), (57,)),  # of the lower lip
    ((57,), (CHIN,)),
    ((NOSE_BASE,), (51,)),
    ((NOSE_BASE,), (CHIN,)),
    ((NOSE_BASE,), (48, 54)),  # the corners
)


def n_features(config: VisualConfig) -> int:
    """The number of visual features per STFT frame: 136 for the paper's motion of 68 points."""
    return _describe(np.zeros((1, 68, 2)), config).shape[1] * (config.motion + config.positions)


def visual_features(
    tracks: Tracks, n_frames: int, stft: StftConfig, config: VisualConfig
) -> tuple[np.ndarray, np.ndarray]:
    """Facial motion (and positions) on the STFT frames, in units of the distance between the eyes.

    The face is upright, of unit size and held at the nose bridge; so neither the camera's distance nor the head's place
    counts. Positions are relative to their mean over the clip. Motion is the difference of successive frames of a 25
    fps grid (zero in the first), as in the paper's section 3.2, whatever the video's own rate. Both are interpolated
    linearly. With ``clip_scale`` they are divided by the deviation of the position over the clip to that power.

    Args:
        tracks: landmarks of at least one frame with a face, times on the clock of the sound.
        n_frames: the number of STFT frames, from time 0 on.

    Returns:
        features: shape (n_frames, n_features(config)), float32; NaN where the face is lost for longer than can be
            bridged.
        seen: shape (n_frames,), bool: whether the nearest video frame shows a face.
    """
    centres_s = frame_centres_s(n_frames, stft)
    grid_s = video_grid_s(tracks.time_s[0], tracks.time_s[-1], config.fps)
    found_s = tracks.time_s[tracks.found]
    described = _describe(upright(tracks.points[tracks.found]), config)
    described = (described - described.mean(axis=0)) / np.maximum(described.std(axis=0), STILL) ** config.clip_scale

    on_grid = _interpolate(grid_s, found_s, described)
    blocks = []
    if config.positions:
        blocks.append(on_grid)
    if config.motion:
        blocks.append(np.diff(on_grid, axis=0, prepend=on_grid[:1]))
    features = _interpolate(centres_s, grid_s, np.hstack(blocks)).astype(np.float32)
    features[~_within_reach(centres_s, found_s, config.max_lost_s)] = np.nan

    between = (tracks.time_s[1:] + tracks.time_s[:-1]) / 2
    return features, tracks.found[np.searchsorted(between, centres_s)]


def _describe(upright: np.ndarray, config: VisualConfig) -> np.ndarray:
    """Points of shape (n, 68, 2) -> what is followed over time, shape (n, n_positions)."""
    if config.points != "articulation":
        chosen = list(range(68)) if config.points == "face" else [*JAW, *MOUTH]
        return upright[:, chosen].reshape(len(upright), -1)
    across, down = upright[..., 0], upright[..., 1]
    widths = [across[:, right] - across[:, left] for left, right in WIDTHS]
    heights = [down[:, list(lower)].mean(axis=1) - down[:, list(upper)].mean(axis=1) for upper, lower in HEIGHTS]
    return np.stack([*widths, *heights], axis=1)


def lip_measures(upright_points: np.ndarray) -> np.ndarray:
    """The 13 measures of lips and jaw, in eye distances, of upright faces of shape (n, 68, 2); linear in the points,
    shape (n, 13): first ``WIDTHS``, then ``HEIGHTS``.
    """
    return _describe(upright_points, VisualConfig(points="articulation"))


def upright(points: np.ndarray) -> np.ndarray:
    """Points of shape (n, 68, 2) turned by the clip's median eye line, scaled by its median eye distance, the nose at
    0.
    """
    right, left = points[:, RIGHT_EYE].mean(axis=1), points[:, LEFT_EYE].mean(axis=1)
    across_x, across_y = np.median(left - right, axis=0)
    # Rotation and division by the distance in one matrix: the complex division by across_x + i*across_y.
    turn = np.array([[across_x, -across_y], [across_y, across_x]]) / max(across_x**2 + across_y**2, 1e-6)
    return (points - points[:, NOSE_BRIDGE].mean(axis=1, keepdims=True)) @ turn


def _interpolate(new_s: np.ndarray, old_s: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Linear interpolation of each column, held at both ends."""
    return np.stack([np.interp(new_s, old_s, column) for column in values.T], axis=1)


def _within_reach(times_s: np.ndarray, found_s: np.ndarray, max_lost_s: float) -> np.ndarray:
    """Whether a time lies between two frames with a face that are at most ``max_lost_s`` apart, or as near to the first
    or last.
    """
    after = np.searchsorted(found_s, times_s)
    previous = np.where(after > 0, found_s[np.maximum(after - 1, 0)], found_s[0] - max_lost_s)
    following = np.where(after < len(found_s), found_s[np.minimum(after, len(found_s) - 1)], found_s[-1] + max_lost_s)
    inside = (times_s >= found_s[0] - max_lost_s) & (times_s <= found_s[-1] + max_lost_s)
    return inside & (following - previous <= max_lost_s + 1e-6)
