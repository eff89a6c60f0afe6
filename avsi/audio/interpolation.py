"""Linear interpolation of a spectrum over its lost frames."""

import torch
from torch import Tensor


def interpolate_lost(spectrum: Tensor, lost: Tensor, lengths: Tensor | None = None) -> Tensor:
    """Interpolate each bin linearly over time between the reliable frames around a gap; beyond the first and the last
    reliable frame, it is held.

    Args:
        spectrum: shape (batch, n_frames, n_bins); ignored where ``lost``.
        lost: bool, shape (batch, n_frames).
        lengths: number of frames of each utterance; None if there is no padding, which counts as lost.

    Returns:
        Same shape: reliable frames unchanged; 0 throughout where no frame is reliable.
    """
    n_frames = spectrum.shape[1]
    frame = torch.arange(n_frames, device=lost.device)
    reliable, before, after = nearest_reliable(lost, lengths)
    # Where one side is missing the other counts alone.
    first = torch.where(before >= 0, before, after).clamp_max(n_frames - 1)
    last = torch.where(after < n_frames, after, before).clamp_min(0)
    share = (frame - first) / (last - first).clamp_min(1)
    known = spectrum.masked_fill(~reliable[..., None], 0)
    one, two = (known.gather(1, place[..., None].expand_as(known)) for place in (first, last))
    return torch.lerp(one, two, share[..., None].to(known.dtype))


def nearest_reliable(lost: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """(which frames are reliable, the last reliable frame up to each, -1 if there is none, and the first from each on,
    ``n_frames`` if there is none), each of shape (batch, n_frames); arguments as of :func:`interpolate_lost`.
    """
    n_frames = lost.shape[1]
    frame = torch.arange(n_frames, device=lost.device)
    reliable = ~lost if lengths is None else ~lost & (frame < lengths[:, None])
    before = torch.where(reliable, frame, -1).cummax(dim=1).values
    after = torch.where(reliable, frame, n_frames).flip(1).cummin(dim=1).values.flip(1)
    return reliable, before, after
