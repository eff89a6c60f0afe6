"""The face as a model sees it: features for the frames of an excerpt, and why they are of no use in a gap."""

import numpy as np
import torch

from ..config import Config
from ..data.gaps import lost_frames
from ..timebase import frame_centres_s
from ..video.motion import visual_features
from ..video.tracks import Tracks
from .excerpts import Span

# The share of a gap in which the face must be seen for the video to be believed.
MIN_SEEN = 0.5


def face_around(tracks: Tracks | None, start_s: float, stop_s: float) -> tuple[Tracks | None, str]:
    """A face in a stretch of a recording, its clock starting with the stretch; or None and the reason."""
    if tracks is None:
        return None, "there is no video"
    tracks = tracks.excerpt(start_s, stop_s)
    return (tracks, "") if tracks.found.any() else (None, "no face is seen in the video around it")


def look(
    config: Config, n_frames: int, gaps: list[Span], tracks: Tracks | None, problem: str
) -> tuple[torch.Tensor, list[str]]:
    """The visual features that a model takes, shape (n_frames, n_visual), and for each gap why they are of no use
    there: "" where they are, or where none are needed.

    Args:
        gaps: in samples at the model's rate.
        tracks: the face, on the clock of the excerpt; None where it is not known, for the reason in ``problem``.
    """
    if not config.model.video:
        return torch.zeros(n_frames, 0), [""] * len(gaps)
    if tracks is None or not tracks.found.any():
        return torch.zeros(n_frames, 0), [problem or "no face is seen"] * len(gaps)
    features, seen = visual_features(tracks, n_frames, config.stft, config.visual)
    centres_s, frame_s = frame_centres_s(n_frames, config.stft), 1 / config.visual.fps
    pictured = (centres_s >= tracks.time_s[0] - frame_s) & (centres_s <= tracks.time_s[-1] + frame_s)
    usable = seen & pictured & ~np.isnan(features).any(axis=1)
    shares = [usable[lost_frames([span], n_frames, config.stft)].mean() for span in gaps]
    problems = ["" if share >= MIN_SEEN else f"the face is seen in {share:.0%} of it" for share in shares]
    return torch.from_numpy(features), problems
