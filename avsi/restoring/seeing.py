"""How much of a gap shows a face."""

import numpy as np

from ..config import Config
from ..data.gaps import lost_frames
from ..timebase import frame_centres_s
from ..video.motion import visual_features
from ..video.tracks import Tracks
from .excerpts import Span


def seen_in_gaps(tracks: Tracks, n_frames: int, gaps: list[Span], config: Config) -> tuple[np.ndarray, list[float]]:
    """(visual features of a stretch of sound, shape (n_frames, n_visual); of each gap the share in which a face is
    seen).

    Args:
        tracks: the face, on the clock of the samples.
        gaps: in samples.
    """
    features, seen = visual_features(tracks, n_frames, config.stft, config.visual)
    centres_s, frame_s = frame_centres_s(n_frames, config.stft), 1 / config.visual.fps
    pictured = (centres_s >= tracks.time_s[0] - frame_s) & (centres_s <= tracks.time_s[-1] + frame_s)
    usable = seen & pictured & ~np.isnan(features).any(axis=1)
    return features, [float(usable[lost_frames([span], n_frames, config.stft)].mean()) for span in gaps]
