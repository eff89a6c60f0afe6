"""The Perceiver IO that predicts lost patches of a log-magnitude spectrogram from the others, face and words."""

import torch
from torch import Tensor, nn

from ..audio.interpolation import interpolate_lost, nearest_reliable
from ..config import Config, PainterConfig
from ..data.stats import Stats
from .attention import AttentionBlock, waves
from .patches import from_patches, phones_in_order, to_patches
from .spectrum_inpainter import GATE_BIAS, SpectrumInpainter

N_WAVES = 16
# Wavelengths of positions: of a time in seconds, a phone's number, and the share of all phones before it.
TIME_S, ORDER, SHARE = (0.1, 25.0), (2.0, 400.0), (0.05, 4.0)
FAR = 1000  # frames to the nearest reliable one, where there is none on that side
FIRST_SCALE = 0.02  # deviation of what is learned from scratch


class Painter(SpectrumInpainter):
    """A Perceiver IO (Jaegle et al., 2021) over patches of the spectrum, the face and the phones said, as SpeechPainter
    has it (Borsos, Sharifi and Tagliasacchi, 2022).

    Latents read the tokens of all senses, and then each other; each lost patch asks them what it holds. A token is a
    reliable patch of the spectrum with its time and band, the lips of as many frames with their time, or a phone with
    its place among the others and no time: when it was said the model has to find out. What is not known, be it a lost
    patch, a face that is not seen or words that nobody knows, is no token.

    Attributes:
        phones: the inventory of a model that is told what is said, else empty; label 1 is ``phones[0]``.
    """

    def __init__(self, config: Config, stats: Stats | None = None, phones: tuple[str, ...] = ()) -> None:
        super().__init__(config, stats, phones)
        assert isinstance(config.model, PainterConfig)
        self.settings = model = config.model
        width, n_frames = model.hidden, model.patch_frames
        n_values = n_frames * model.patch_bins
        n_bands = -(-config.stft.n_bins // model.patch_bins)
        self.latents = nn.Parameter(FIRST_SCALE * torch.randn(model.latents, width))
        self.always = nn.Parameter(FIRST_SCALE * torch.randn(width))  # a token, so that there is one
        self.bands = nn.Parameter(FIRST_SCALE * torch.randn(n_bands, width))
        self.from_time = nn.Linear(2 * N_WAVES, width, bias=False)
        # The bias of each of these layers tells the senses apart. Beside the values, it is said which frames are lost.
        if model.audio:
            self.from_spectrum = nn.Linear(n_values + n_frames, width)
        if model.video:
            self.from_lips = nn.Linear(n_frames * len(self.visual_mean), width)
        if model.text:
            self.from_phones = nn.Embedding(1 + len(phones), width)
            self.from_order = nn.Linear(4 * N_WAVES, width)
        self.read = AttentionBlock(width, model.heads, model.dropout, of_others=True)
        self.think = nn.ModuleList(AttentionBlock(width, model.heads, model.dropout) for _ in range(model.layers))
        # A query is where a patch is, what interpolation makes of it, and how far its frames are from reliable ones.
        self.from_query = nn.Linear(n_values + 3 * n_frames, width)
        self.answer = AttentionBlock(width, model.heads, model.dropout, of_others=True)
        self.norm = nn.LayerNorm(width)
        self.to_spectrum = nn.Linear(width, n_values)
        if model.gate:
            self.to_gate = nn.Linear(width, n_values)
            nn.init.zeros_(self.to_gate.weight)
            nn.init.constant_(self.to_gate.bias, GATE_BIAS)

    def encode(
        self,
        normalised: Tensor,
        visual: Tensor,
        lost: Tensor,
        lengths: Tensor | None = None,
        said: Tensor | None = None,
        voice: Tensor | None = None,
    ) -> Tensor:
        """The latents, shape (batch, n_latents, hidden).

        Args:
            normalised: log magnitudes from :meth:`normalise`, shape (batch, n_frames, n_bins); ignored where ``lost``.
            visual, lost, lengths, said, voice: as of :meth:`forward`.
        """
        inside = _inside(lost, lengths)
        parts = [self.always.expand(len(lost), 1, -1)]
        known = [inside.new_ones(len(lost), 1)]
        for tokens, there in (
            *([self._sound(normalised, inside & ~lost)] if self.settings.audio else []),
            *([self._lips(visual, inside)] if self.settings.video else []),
            *([self._words(said, inside)] if self.settings.text and said is not None else []),
        ):
            parts.append(tokens)
            known.append(there)
        # Latents are spread over the recording, to which they add what they learn.
        share = (torch.arange(len(self.latents), device=lost.device) + 0.5) / len(self.latents)
        places = self._at(share * inside.sum(dim=1, keepdim=True))
        latents = self.read(self.latents + places, torch.cat(parts, dim=1), torch.cat(known, dim=1))
        for block in self.think:
            latents = block(latents)
        return latents

    def decode(self, hidden: Tensor, normalised: Tensor, lost: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Normalised log magnitudes, shape (batch, n_frames, n_bins), from what :meth:`encode` gives: reliable frames
        as they are, and what each lost patch finds in the latents. ``model.gate``: as of :class:`.BLSTMInpainter`.
        """
        n_frames = self.settings.patch_frames
        inside = _inside(lost, lengths)
        between = interpolate_lost(normalised, lost, lengths) * inside[..., None]
        patches = to_patches(between, n_frames, self.settings.patch_bins)
        near = to_patches(self._nearness(lost, lengths, inside), n_frames, 3)[:, :, 0]
        damaged = near.unflatten(-1, (n_frames, 3))[..., 0].any(dim=-1)
        # Of each utterance the damaged patches, and, as the batch has one shape, some that nobody needs.
        chosen = damaged.int().argsort(dim=1, descending=True, stable=True)[:, : int(damaged.sum(dim=1).max())]
        rows = torch.arange(len(lost), device=lost.device)[:, None]
        old = patches[rows, chosen]
        asked = torch.cat([old, near[rows, chosen, None].expand(*old.shape[:3], -1)], dim=-1)
        places = self._at((chosen + 0.5) * n_frames)[:, :, None] + self.bands
        answers = self.answer((self.from_query(asked) + places).flatten(1, 2), hidden)
        answers = self.norm(answers).unflatten(1, old.shape[1:3])
        new = self.to_spectrum(answers)
        if self.settings.gate:
            new = torch.lerp(new, old.to(new.dtype), self.to_gate(answers).sigmoid())
        predicted = patches.index_put((rows, chosen), new.to(patches.dtype))
        return torch.where(lost[..., None], from_patches(predicted, n_frames, normalised), normalised)

    def drop_face(self, weights: dict[str, Tensor]) -> dict[str, Tensor]:
        return {name: value for name, value in weights.items() if not name.startswith("from_lips.")}

    def _sound(self, normalised: Tensor, reliable: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens of the spectrum's patches, shape (batch, n_tokens, hidden), and which hold a reliable frame."""
        n_frames = self.settings.patch_frames
        patches = to_patches(normalised.masked_fill(~reliable[..., None], 0), n_frames, self.settings.patch_bins)
        heard = to_patches(reliable[..., None].to(normalised.dtype), n_frames, 1)
        tokens = self.from_spectrum(torch.cat([patches, heard.expand(*patches.shape[:3], -1)], dim=-1))
        tokens = tokens + self._times(patches.shape[1], tokens)[:, None] + self.bands
        there = (heard > 0).any(dim=-1).expand(*patches.shape[:3])
        return tokens.flatten(1, 2), there.flatten(1, 2)

    def _lips(self, visual: Tensor, inside: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens of the face, shape (batch, n_tokens, hidden), and in which it is seen."""
        n_frames = self.settings.patch_frames
        seen = ~visual.isnan().all(dim=-1) & inside
        features = ((visual - self.visual_mean) / self.visual_std).nan_to_num().masked_fill(~seen[..., None], 0)
        tokens = self.from_lips(to_patches(features, n_frames, features.shape[2])[:, :, 0])
        there = to_patches(seen[..., None], n_frames, 1)[:, :, 0].any(dim=-1)
        return tokens + self._times(tokens.shape[1], tokens), there

    def _words(self, said: Tensor, inside: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens of the phones, shape (batch, n_tokens, hidden), and which there are."""
        labels, there = phones_in_order(said, inside)
        number = torch.arange(labels.shape[1], device=said.device).to(said.dtype).expand(labels.shape)
        share = (number + 0.5) / there.sum(dim=1, keepdim=True).clamp_min(1)
        places = torch.cat([waves(number, *ORDER, N_WAVES), waves(share, *SHARE, N_WAVES)], dim=-1)
        return self.from_phones(labels) + self.from_order(places), there

    def _times(self, count: int, like: Tensor) -> Tensor:
        """The places of that many patches one after the other, shape (count, hidden)."""
        return self._at((torch.arange(count, device=like.device) + 0.5) * self.settings.patch_frames)

    def _at(self, frame: Tensor) -> Tensor:
        """What is added to a token for its time, shape (..., hidden)."""
        stft = self.config.stft
        return self.from_time(waves(frame * stft.hop_samples / stft.sample_rate, *TIME_S, N_WAVES))

    def _nearness(self, lost: Tensor, lengths: Tensor | None, inside: Tensor) -> Tensor:
        """Of each frame whether it is lost, and the natural logs of 1 + how many frames the last and the next reliable
        frame are away, shape (batch, n_frames, 3); 0 in the padding.
        """
        n_frames = lost.shape[1]
        frame = torch.arange(n_frames, device=lost.device)
        _, before, after = nearest_reliable(lost, lengths)
        since = torch.where(before >= 0, frame - before, FAR)
        until = torch.where(after < n_frames, after - frame, FAR)
        return torch.stack([lost, since.log1p(), until.log1p()], dim=-1) * inside[..., None]


def _inside(lost: Tensor, lengths: Tensor | None) -> Tensor:
    """Which frames are no padding, bool, shape (batch, n_frames)."""
    if lengths is None:
        return torch.ones_like(lost)
    return torch.arange(lost.shape[1], device=lost.device) < lengths[:, None]
