"""The models that are shipped, a folder each, and which of them are taken where none is named.

May import: nothing.
"""

DEFAULT = "av"
WITH_TEXT = "av_text"  # where what is said is known
AUDIO_ONLY = "a"  # takes over where no face is seen
REFINER = "refiner"  # makes restored spectra as sharp as recorded ones
CORRECTOR = "corrector"  # corrects restored spectra by what is reliable in a gap
ALIGNER = "aligner"  # finds when known words are said
DURATIONS = "durations"  # how long phones last
SPEAKER_ENCODER = "speaker_encoder"  # whose voice is heard
TAGGER = "tagger"  # where a recording is damaged
