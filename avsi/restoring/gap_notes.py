"""What people are told of a gap while it is restored."""

import warnings

from ..errors import AvsiWarning

# With less sound than this around its gaps, a model has hardly anything to go by.
MIN_AROUND_S = 0.5
WITHOUT_FACE, WITH_WORDS = "restored from the sound alone", "restored from the sound and the words"
UNADAPTED = ", by a model that is not adapted"


def tell_of_gap(where: str, no_face: str, with_words: bool, unadapted: bool, around_s: float) -> None:
    """Warn of a gap that is restored without a face, or from little sound.

    Args:
        where: names the gap.
        no_face: why the face is not used; "" where it is, or none is needed.
        unadapted: the model that takes over without a face is not the one that was adapted.
        around_s: how much sound there is around it.
    """
    if no_face:
        how = (WITH_WORDS if with_words else WITHOUT_FACE) + UNADAPTED * unadapted
        warnings.warn(f"{where}: {no_face}; {how}", AvsiWarning, stacklevel=4)
    if around_s < MIN_AROUND_S:
        warnings.warn(
            f"{where}: only {around_s:.2f} s of sound are left around it to restore it from; expect little",
            AvsiWarning,
            stacklevel=4,
        )
