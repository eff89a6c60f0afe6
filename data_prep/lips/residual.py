"""What lips do that their sound does not tell: noise with the statistics of what a prediction leaves over."""

from dataclasses import dataclass

import numpy as np

ORDER = 5  # frames of the past that the next one depends on
SETTLE_FRAMES = 50  # drawn, and thrown away, before the first


@dataclass(frozen=True)
class Residual:
    """A vector autoregressive process ``e[t] = sum over h of past[h] @ e[t - 1 - h] + shock @ white noise``.

    Attributes:
        past: shape (ORDER, k, k).
        shock: shape (k, k).
    """

    past: np.ndarray
    shock: np.ndarray

    @classmethod
    def fit(cls, clips: list[np.ndarray], weights: list[float]) -> "Residual":
        """The process of the same covariances between measures at 0 to ORDER frames apart (the multivariate equations
        of Yule and Walker). It is stable, since each sum is over all frames of a clip, with zeros about it.

        Args:
            clips: each of shape (n, k), of mean 0.
            weights: of each clip's frames.
        """
        k = clips[0].shape[1]
        lags = np.zeros((ORDER + 1, k, k))
        for clip, weight in zip(clips, weights, strict=True):
            for lag in range(min(ORDER + 1, len(clip))):
                lags[lag] += weight * clip[lag:].T @ clip[: len(clip) - lag]
        lags /= sum(weight * len(clip) for clip, weight in zip(clips, weights, strict=True))
        lags[0] += 1e-9 * np.eye(k)
        blocks = [[lags[j - i] if j >= i else lags[i - j].T for j in range(ORDER)] for i in range(ORDER)]
        past = np.linalg.solve(np.block(blocks).T, np.hstack(lags[1:]).T).T
        left = lags[0] - past @ np.hstack(lags[1:]).T
        values, vectors = np.linalg.eigh((left + left.T) / 2)
        return cls(past.reshape(k, ORDER, k).swapaxes(0, 1), vectors * np.sqrt(np.maximum(values, 0)))

    def draw(self, n_frames: int, rng: np.random.Generator) -> np.ndarray:
        """Shape (n_frames, k)."""
        shocks = rng.standard_normal((SETTLE_FRAMES + n_frames, len(self.shock))) @ self.shock.T
        drawn = np.zeros((ORDER + len(shocks), len(self.shock)))
        flat = np.hstack(self.past)  # of the last frame, the one before ...
        for frame, shock in enumerate(shocks, start=ORDER):
            drawn[frame] = flat @ drawn[frame - ORDER : frame][::-1].ravel() + shock
        return drawn[ORDER + SETTLE_FRAMES :]
