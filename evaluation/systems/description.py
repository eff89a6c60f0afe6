"""The description of a system in evaluation.json, which tables and pages show."""

from pathlib import Path

from avsi.config_files import config_from_dict
from avsi.data.datadir import Utterance
from avsi.errors import ConfigError
from avsi.models.store import find_model, read_description, read_train_ids

from .families import is_family
from .fingerprints import weights_digest
from .knowledge import NO_FACE, Knowledge, split_knowledge, tell, tell_voice
from .names import ORACLE, SPECTRAL, UNPROCESSED, model_folders
from .train_test_overlap import overlap


def describe(name: str, utterances: list[Utterance]) -> dict[str, object]:
    """The name that the command line gave; of models also inputs, training, overlap with some test utterances, and a
    digest of their weights.

    Raises:
        ConfigError: a family of models that differ in their inputs or tasks.
    """
    folders = model_folders(name)
    if not folders:
        return {"system": name}
    descriptions = [read_description(folder) for folder in folders]
    configs = [config_from_dict(description["config"]) for description in descriptions]
    senses = [[config.model.audio, config.model.video, config.model.ctc] for config in configs]
    if other := next((at for at, of in enumerate(senses) if of != senses[0]), None):
        raise ConfigError(f"{name}: {folders[0]} and {folders[other]} differ in inputs or tasks (sound, video, phones)")
    told = split_knowledge(name)[1]
    refiner = Knowledge(told, Path()).refiner
    trained = [*([] if is_family(name) else folders[:1]), *([find_model(refiner)] if refiner else [])]
    if NO_FACE in told:
        senses[0][1] = False
    seeds = sorted({config.training.seed for config in configs})
    counts = sorted({len(ids) for folder in folders if (ids := read_train_ids(folder)) is not None})
    more = {"models": len(folders)} if is_family(name) else descriptions[0].get("about", {})
    return {
        "system": name,
        "senses": senses[0],
        "seed": seeds[0] if len(seeds) == 1 else ", ".join(map(str, seeds)),
        "trained_on": f"{' to '.join(map(str, dict.fromkeys((counts[0], counts[-1]))))} utterances" if counts else "",
        **more,
        **({"takes_text": True, "told_of_words": tell(told)} if configs[0].model.text else {}),
        **({"takes_voice": True, "told_of_voice": tell_voice(told)} if configs[0].model.voice else {}),
        **({"refined_by": f"{refiner}, seed {Knowledge(told, Path()).draw}"} if refiner else {}),
        **({"finds_gaps": True} if Knowledge(told, Path()).is_blind else {}),
        **overlap(trained, utterances),
        "weights": weights_digest(name),
    }


def is_of_sound(about: dict) -> bool:
    """Whether a system predicts no spectrum: its spectrum is then that of its sound."""
    return "senses" not in about and about["system"] not in (UNPROCESSED, *SPECTRAL, ORACLE)
