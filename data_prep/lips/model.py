"""From sound to lips: what is kept of a fit, and what is made with it."""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from avsi.errors import ModelError
from avsi.files import write_npz
from avsi.rng import generator
from avsi.video.tracks import Tracks

from .face import FREE, made_face
from .network import LipNetwork
from .residual import ORDER, Residual
from .sound import FPS, STFT, loudness, sound_bands

FORMAT_VERSION = 1


@dataclass(frozen=True)
class LipModel:
    """Sound to lips.

    Attributes:
        networks: their mean is the prediction.
        slope: shape (11,): what a prediction is multiplied by to be the expected lips of an unseen speaker.
        residual: what these do beside it. Both in units of a speaker's deviations.
        gains: shape (n_speakers, 11): the deviations of those filmed, in eye distances.
        neutral: shape (68, 2): their mean face.
        ids: the utterances that it was learned from.
    """

    networks: tuple[LipNetwork, ...]
    slope: np.ndarray
    residual: Residual
    gains: np.ndarray
    neutral: np.ndarray
    ids: np.ndarray

    def expected(self, bands: np.ndarray) -> np.ndarray:
        """The expected lips of a speaker of deviation 1, from bands of :func:`.sound.sound_bands`; of mean 0 and shape
        (n_frames, 11).
        """
        return predict(self.networks, bands) * self.slope

    def make(self, samples: np.ndarray, speaker: str, id_: str, seed: int) -> Tracks:
        """A face to a sound at 16 kHz. How far its lips move depends on the speaker, what they do beside what is told
        by the sound on the id: both are drawn.
        """
        bands = sound_bands(samples, 0.0, int(np.ceil(len(samples) / STFT.sample_rate * FPS)))
        gain = self.gains[generator(seed, "lip gain", speaker).integers(len(self.gains))]
        drawn = self.residual.draw(loudness(bands), generator(seed, "lips", id_))
        lips = self.expected(bands) + drawn - drawn.mean(axis=0)
        return made_face(self.neutral, lips * gain)

    def save(self, path: str | Path) -> None:
        weights = {
            f"{number}.{name}": value.numpy()
            for number, network in enumerate(self.networks)
            for name, value in network.state_dict().items()
        }
        write_npz(
            path,
            version=np.array(FORMAT_VERSION),
            networks=np.array(len(self.networks)),
            slope=self.slope,
            past=self.residual.past,
            shock=self.residual.shock,
            by_loudness=self.residual.by_loudness,
            gains=self.gains,
            neutral=self.neutral,
            ids=self.ids,
            **weights,
        )

    @classmethod
    def load(cls, path: str | Path) -> "LipModel":
        """Raises ModelError if the file is missing or holds no such model."""
        if not Path(path).is_file():
            raise ModelError(f"{path}: no such file; expected what python -m data_prep.lips fit wrote")
        try:
            with np.load(path, allow_pickle=False) as arrays:
                if int(arrays["version"]) != FORMAT_VERSION:
                    raise ValueError(f"format version {arrays['version']}, expected {FORMAT_VERSION}")
                networks = []
                for number in range(int(arrays["networks"])):
                    network = LipNetwork().eval()
                    weights = {name: torch.from_numpy(arrays[f"{number}.{name}"]) for name in network.state_dict()}
                    network.load_state_dict(weights)
                    networks.append(network)
                model = cls(
                    tuple(networks),
                    arrays["slope"],
                    Residual(arrays["past"], arrays["shock"], arrays["by_loudness"]),
                    arrays["gains"],
                    arrays["neutral"],
                    arrays["ids"],
                )
            k = len(FREE)
            fixed = [model.slope, *vars(model.residual).values(), model.neutral]
            shapes = [array.shape for array in fixed]
            if not networks or shapes != [(k,), (ORDER, k, k), (k, k), (2,), (68, 2)] or model.gains.shape[1:] != (k,):
                raise ValueError("arrays of other shapes")
            return model
        except (ValueError, KeyError, TypeError, OSError, EOFError, RuntimeError, zipfile.BadZipFile) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ModelError(f"{path}: no model of lips, as data_prep.lips fit writes it ({reason})") from error


@torch.no_grad()
def predict(networks: tuple[LipNetwork, ...], bands: np.ndarray) -> np.ndarray:
    """The mean of what networks predict from the bands of one utterance; float64, shape (n_frames, 11)."""
    batch = torch.from_numpy(bands)[None]
    return torch.stack([network(batch)[0] for network in networks]).mean(dim=0).double().numpy()
