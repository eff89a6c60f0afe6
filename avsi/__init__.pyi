from .data.gaps import Gap
from .errors import AvsiError, AvsiWarning, ConfigError, DataError, FaceError, GapError, MediaError, ModelError
from .restoring.adapted import Adaptation
from .restoring.inpainting import Inpainter
from .restoring.recordings import inpaint_file
from .restoring.spectrum_restorer import SpectrumRestorer
from .video.landmarks import track_face
from .video.tracks import Tracks

__all__ = [
    "Adaptation",
    "AvsiError",
    "AvsiWarning",
    "ConfigError",
    "DataError",
    "FaceError",
    "Gap",
    "GapError",
    "Inpainter",
    "MediaError",
    "ModelError",
    "SpectrumRestorer",
    "Tracks",
    "inpaint_file",
    "track_face",
]
__version__: str
