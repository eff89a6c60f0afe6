"""What lips do that their sound does not tell: noise with the statistics of what a prediction leaves over."""

from dataclasses import dataclass

import numpy as np

STILLEST = 0.1  # of the variance is the least there is at any loudness
ORDER = 5  # frames of the past that the next one depends on
SETTLE_FRAMES = 50  # drawn, and thrown away, before the first


@dataclass(frozen=True)
class Residual:
    """A vector autoregressive process ``e[t] = sum over h of past[h] @ e[t - 1 - h] + shock @ white noise``, larger
    where the voice is louder.

    Attributes:
        past: shape (ORDER, k, k).
        shock: shape (k, k).
        by_loudness: (a, b): what is left over is e times the square root of a + b * loudness.
    """

    past: np.ndarray
    shock: np.ndarray
    by_loudness: np.ndarray

    @classmethod
    def fit(cls, clips: list[np.ndarray], loudness: list[np.ndarray], weights: list[float]) -> "Residual":
        """First the variance's dependence on loudness, found by least squares over all measures, is divided out. Then:
        the process of the same covariances between measures at 0 to ORDER frames apart, by the multivariate equations
        of Yule and Walker. It is stable, since each sum is over all frames of a clip, with zeros about it.

        Args:
            clips: each of shape (n, k), of mean 0.
            loudness: of the voice, each of shape (n,).
            weights: of each clip's frames.
        """
        square = np.concatenate([(clip**2).mean(axis=1) for clip in clips])
        frame_weights = np.sqrt(np.repeat(weights, [len(clip) for clip in clips]))
        on = np.stack([np.ones(len(square)), np.concatenate(loudness)], axis=1) * frame_weights[:, None]
        by_loudness = np.linalg.lstsq(on, square * frame_weights, rcond=None)[0]
        clips = [clip / _deviation(by_loudness, loud) for clip, loud in zip(clips, loudness, strict=True)]
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
        return cls(past.reshape(k, ORDER, k).swapaxes(0, 1), vectors * np.sqrt(np.maximum(values, 0)), by_loudness)

    def draw(self, loudness: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """What is left over beside a voice of this loudness, shape (n_frames,); of shape (n_frames, k)."""
        shocks = rng.standard_normal((SETTLE_FRAMES + len(loudness), len(self.shock))) @ self.shock.T
        drawn = np.zeros((ORDER + len(shocks), len(self.shock)))
        flat = np.hstack(self.past)  # of the last frame, the one before ...
        for frame, shock in enumerate(shocks, start=ORDER):
            drawn[frame] = flat @ drawn[frame - ORDER : frame][::-1].ravel() + shock
        return drawn[ORDER + SETTLE_FRAMES :] * _deviation(self.by_loudness, loudness)


def _deviation(by_loudness: np.ndarray, loudness: np.ndarray) -> np.ndarray:
    """Shape (n, 1)."""
    return np.sqrt(np.maximum(by_loudness[0] + by_loudness[1] * loudness, STILLEST))[:, None]
