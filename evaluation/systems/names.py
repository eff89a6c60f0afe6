"""The names of systems on the command line: baselines, models, families of models, folders of files."""

import re
from pathlib import Path

from avsi.errors import ConfigError
from avsi.models.store import DESCRIPTION, find_model, pretrained_names
from avsi.restoring.baselines import MeanSpectrum, SpectralInterpolation

from ..folder.layout import ABOUT, CLEAN, LISTENING, REPORT, STATS
from ..folder.versions import ORIGINAL, UNPROCESSED
from .families import ModelFamily, is_family
from .knowledge import split_knowledge

ORACLE = "oracle"
SPECTRAL = {"mean": MeanSpectrum, "interpolation": SpectralInterpolation}  # baselines in place of a model
OTHERS = (ABOUT, STATS, CLEAN, REPORT, LISTENING, ORIGINAL)  # names that no system may have
SYSTEMS = (UNPROCESSED, *SPECTRAL, "autoregression", ORACLE)


def parse_system(system: str) -> tuple[str, str]:
    """(name, system) of ``NAME=SYSTEM``, or of a system that has the name of its folder.

    Raises:
        ConfigError: a name that no folder in an evaluation can have, or that of a baseline for something else.
    """
    name, equals, spec = system.partition("=")
    spec = spec if equals else system
    name = name if equals else Path(system).resolve().name
    taken = name in OTHERS or name.startswith("gaps_")
    if taken or not re.fullmatch(r"[\w.+-]+", name) or not name.strip("."):
        raise ConfigError(
            f"system '{system}': its name must be of letters, digits and -_.+, and none of {', '.join(OTHERS)} "
            "and gaps_...; NAME=... gives it another"
        )
    if name != spec and (name in SYSTEMS or spec in SYSTEMS):
        raise ConfigError(f"system '{system}': {', '.join(SYSTEMS)} keep their names, and nothing else takes them")
    return name, spec


def model_folders(name: str) -> list[Path]:
    """The folders of a system's models; none of a system without a model."""
    name, _ = split_knowledge(name)
    if name in SYSTEMS or holds_files(name):
        return []
    return ModelFamily(name).folders if is_family(name) else [find_model(name)]


def holds_files(name: str) -> bool:
    """Whether a system is a folder of files that another program restored: no pretrained model, and no model in it."""
    return name not in pretrained_names() and Path(name).is_dir() and not (Path(name) / DESCRIPTION).is_file()
