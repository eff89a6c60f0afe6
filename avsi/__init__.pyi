from .data.damage import Damage
from .data.gaps import Gap
from .detecting.detect import detect
from .errors import AvsiError, AvsiWarning, ConfigError, DataError, FaceError, GapError, MediaError, ModelError
from .restoring.adapted import Adaptation
from .restoring.aligning import align_file
from .restoring.editing import edit_file
from .restoring.inpainting import Inpainter
from .restoring.inserting import Insertion, insert_file
from .restoring.recordings import inpaint_file
from .restoring.spectrum_restorer import SpectrumRestorer
from .restoring.voices import Voice, VoiceEncoder, voice_of, voice_of_file
from .video.landmarks import track_face
from .video.tracks import Tracks
from .words.alignment import AlignedWord, Alignment, Phone

__all__ = [
    "Adaptation",
    "AlignedWord",
    "Alignment",
    "AvsiError",
    "AvsiWarning",
    "ConfigError",
    "Damage",
    "DataError",
    "FaceError",
    "Gap",
    "GapError",
    "Inpainter",
    "Insertion",
    "MediaError",
    "ModelError",
    "Phone",
    "SpectrumRestorer",
    "Tracks",
    "Voice",
    "VoiceEncoder",
    "align_file",
    "detect",
    "edit_file",
    "inpaint_file",
    "insert_file",
    "track_face",
    "voice_of",
    "voice_of_file",
]
__version__: str
