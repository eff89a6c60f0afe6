"""The network from sound to lips, and its training."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from avsi.rng import generator

from .face import FREE
from .sound import BANDS, BESIDE, rows_of, throat_warp

UNITS, DROPOUT = 64, 0.3
BATCH, SHORTEST, LONGEST_FRAMES = 16, 25, 100  # clips, and how many frames of each are learned from at a time
LEARNING_RATE, WEIGHT_DECAY, CLIP_NORM = 3e-3, 0.01, 1.0
# What is varied in training: the natural log of the vocal tract's length, and each band's level, by these deviations.
THROAT, COLOUR = 0.1, 0.1


@dataclass(frozen=True)
class Example:
    """A filmed utterance.

    Attributes:
        bands: shape (rows_of(n), BANDS), as of :func:`.sound.sound_bands`.
        lips: shape (n, 11): its free measures in units of its speaker's deviations.
        weight: how often it is learned from, relative to others.
    """

    id: str
    speaker: str
    bands: np.ndarray
    lips: np.ndarray
    weight: float


class LipNetwork(nn.Module):
    """A convolution over 180 ms, and recurrent units in both directions."""

    def __init__(self) -> None:
        super().__init__()
        self.near = nn.Conv1d(BANDS, UNITS, 2 * BESIDE + 1, stride=2)
        self.far = nn.GRU(UNITS, UNITS, batch_first=True, bidirectional=True)
        self.out = nn.Linear(2 * UNITS, len(FREE))
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, bands: Tensor) -> Tensor:
        """Bands of shape (batch, rows_of(n), BANDS) -> lips of mean 0, shape (batch, n, 11)."""
        near = torch.relu(self.near(self.dropout(bands).transpose(1, 2))).transpose(1, 2)
        lips = self.out(self.dropout(self.far(near)[0]))
        return lips - lips.mean(dim=1, keepdim=True)


def train_network(examples: list[Example], steps: int, seed: int) -> LipNetwork:
    """Learn sound -> lips by the mean square, on voices and microphones that are varied; the same for the same seed."""
    rng = generator(seed, "lips", *(example.id for example in examples))
    share = np.array([example.weight for example in examples])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(rng.integers(2**62)))
        network = LipNetwork().train()
        optimizer = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps)
        for _ in range(steps):
            chosen = rng.choice(len(examples), BATCH, p=share / share.sum())
            bands, lips = _batch([examples[index] for index in chosen], rng)
            loss = (network(bands) - lips).square().mean()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), CLIP_NORM)
            optimizer.step()
            schedule.step()
    return network.eval()


def _batch(examples: list[Example], rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Bands in varied voices, shape (BATCH, rows, BANDS), and lips of mean 0; excerpts of one length."""
    longest = min(LONGEST_FRAMES, *(len(example.lips) for example in examples))
    count = longest if rng.random() < 0.5 else int(rng.integers(min(SHORTEST, longest), longest + 1))
    bands, lips = [], []
    for example in examples:
        start = int(rng.integers(len(example.lips) - count + 1))
        heard = example.bands[2 * start : 2 * start + rows_of(count)] @ throat_warp(np.exp(rng.normal(0, THROAT)))
        bands.append(heard + rng.normal(0, COLOUR, BANDS))
        shown = example.lips[start : start + count]
        lips.append(shown - shown.mean(axis=0))
    return tuple(torch.from_numpy(np.stack(of).astype(np.float32)) for of in (bands, lips))
