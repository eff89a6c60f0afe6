"""Facts about a model for its card, read from its files: kind, input, training set, settings, size."""

import dataclasses
from collections import Counter
from pathlib import Path

from ..config import (
    MODELS,
    Config,
    CorrectorConfig,
    ModelConfig,
    PainterConfig,
    RefinerConfig,
    SpeakerEncoderConfig,
    TaggerConfig,
)
from ..data.ids import recording_in, speaker_in
from ..files import digest
from .store import VOICES_BY, WEIGHTS, load_model, read_description, read_train_ids

# Where and how fast training ran, which does not affect the model.
_NOT_LISTED = tuple(
    f"training.{name}" for name in ("accelerator", "devices", "workers", "cache", "cache_memory_gb", "cache_disk_gb")
)
MOST_NAMED = 40  # speakers; of more a card says how many they are
# Facts about the training run by their name in the description, and their names on a card.
_RUN = {"epoch": "{keep} epoch", "valid_loss": "validation loss", "precision": "precision"}
_POINTS = {
    "face": "its 68 landmarks",
    "mouth": "the 37 landmarks of jaw and lips",
    "articulation": "measures of lips and jaw, from 68 landmarks",
}
_OUTPUTS = {
    "inpainter": "the sound of the gaps; every sample outside them stays as it is",
    "painter": "the sound of the gaps; every sample outside them stays as it is",
    "recognizer": "phones",
    "aligner": "how likely silence and each phone are in each frame; with these, the times of known words",
    "durations": "the log-normal distribution of each phone's length",
    "refiner": "the sound of the gaps, as fine as recorded sound; every sample outside them stays as it is",
    "corrector": "the sound of gaps that are lost in part; reliable bins and all samples outside stay as they are",
    "speaker_encoder": "a vector of length 1 that says whose voice it is",
    "tagger": "how likely each frame is damaged, by kind: silence, level, noise, burst, tone, click",
}
_LEVELS = {
    "corpus": "that of the training recordings is expected: what is much louder or softer is understood worse",
    "utterance": "normalised by the recording itself: how loud it is does not matter",
}


def facts_table(folder: Path) -> str:
    """A Markdown table of facts from a model's files."""
    about, model = read_description(folder).get("about", {}), load_model(folder)
    config, ids = model.config, read_train_ids(folder) or set()
    count = sum(weights.numel() for weights in model.parameters())
    kind = config.model.kind
    run = [f"{name.format(keep=config.training.keep)} {about[key]}" for key, name in _RUN.items() if key in about]
    rows = {
        "Kind": f"{kind}: {_layers(config.model)}, {count / 1e6:.2f} million parameters"
        + (", phones as a second task" if config.model.ctc else ""),
        "Input": _input(config),
        "Output": _OUTPUTS[kind],
        "Level": _level(config.model),
        "Gaps in training": "" if kind in ("recognizer", "speaker_encoder", "tagger") else _gaps(config),
        "Trained on": str(about.get("trained_on", "")),
        "Adapted": _adapted(about.get("adapted")),
        "Utterances": _utterances(ids),
        "Faces": _faces(about.get("faces", {})),
        "Voices": f"vectors of the speaker encoder {made_by}..." if (made_by := getattr(model, VOICES_BY, "")) else "",
        "Training": ", ".join([f"seed {config.training.seed}", *run]),
        "Settings": " ".join(f"`{setting}`" for setting in _settings(config)) or "the defaults",
        "Weights": f"{(folder / WEIGHTS).stat().st_size / 1e6:.1f} MB, SHA-256 {digest(folder / WEIGHTS)}...",
    }
    lines = [f"| {name} | {text.replace('|', '/')} |" for name, text in rows.items() if text]
    return "\n".join(["| | |", "| --- | --- |", *lines])


def _layers(model: ModelConfig) -> str:
    if isinstance(model, PainterConfig):
        patches = f"patches of {model.patch_frames} frames and {model.patch_bins} bins"
        return f"{model.layers} blocks over {model.latents} latents of {model.hidden} values, {patches}"
    if isinstance(model, SpeakerEncoderConfig):
        window = f"windows of {model.window_s:g} s of {model.mels} log-mel bands"
        return f"{model.layers} dilated convolutions of {model.hidden} channels, {window}, {model.values} values"
    if isinstance(model, TaggerConfig):
        return f"{model.layers} dilated convolutions of {model.hidden} channels, {model.mels} log-mel bands"
    if isinstance(model, (RefinerConfig, CorrectorConfig)):
        return f"{model.layers} blocks of convolutions over time, of {model.hidden} channels"
    return f"{model.layers} BLSTM layers of {model.hidden} units a direction"


def _level(model: ModelConfig) -> str:
    if isinstance(model, SpeakerEncoderConfig):
        return "how loud a recording is does not matter, nor does a fixed filter: the mean of each band is taken away"
    if isinstance(model, TaggerConfig):
        return "relative to the recording's own levels and its own mean spectrum: how loud it is does not matter"
    return _LEVELS[model.normalise] if model.audio else ""


def _input(config: Config) -> str:
    rate = f"{config.stft.sample_rate / 1000:g} kHz"
    audio = f"sound at {rate}, each channel by itself (other rates are converted)" if config.model.audio else ""
    motion = f", their motion at {config.visual.fps:g} frames a second" if config.visual.motion else ""
    lost = f" (other rates are converted, and a face lost for up to {config.visual.max_lost_s:g} s is interpolated)"
    video = f"the speaker's face: {_POINTS[config.visual.points]}{motion}{lost}" if config.model.video else ""
    phones = "the phones in their order" if config.model.kind == "painter" else "the phone of each frame"
    text = f"what is said, as far as it is known: {phones}" if config.model.text else ""
    if config.model.refines:
        audio = f"the spectrum at {rate} in which a model has restored the gaps, each channel by itself"
        audio += ", and the reliable bins of the gaps" * (config.model.kind == "corrector")
    if config.model.kind == "durations":
        text = "the phones of an utterance, and the lengths of those and of the pauses that are known"
    voice = "whose voice is heard, as far as it is known: a speaker encoder's vector" if config.model.voice else ""
    return "; ".join(filter(None, [audio, video, text, voice]))


def _gaps(config: Config) -> str:
    if config.data.train_gaps:
        return "those of a gap file"
    gaps = config.gaps
    return (
        f"{gaps.min_count} to {gaps.max_count} an utterance, each of {gaps.min_ms:g} ms or more, together "
        f"{gaps.total_mean_ms:g} ms on average and {gaps.total_max_ms:g} ms at most, in its first {gaps.region_ms:g} ms"
    )


def _adapted(facts: dict | None) -> str:
    """What :class:`avsi.restoring.adapted.Adaptation` says, as far as a reader of the card needs it."""
    if not facts:
        return ""
    test = f"in gaps cut into {facts['held_out_s']:g} s of held-out sound"
    figures = "; ".join(
        f"{what} {facts[f'{key}_before']:g} before, {facts[f'{key}_after']:g} after"
        for what, key in (("STOI", "stoi"), ("loss", "loss"))
    )
    names = ", ".join(facts["recordings"])
    done = "to" if facts["kept"] else "not (it did not become better), though asked for, to"
    return f"{done} {names}: {facts['speech_s']:g} s of speech; {test}: {figures}; from the weights {facts['start']}..."


def _utterances(ids: set[str]) -> str:
    """The number of recordings by speaker, speakers with equal numbers together, and of copies in other voices. Of many
    speakers, the number alone.
    """
    recordings = {recording_in(id_) for id_ in ids}
    if not recordings:
        return ""
    count_by_speaker = Counter(map(speaker_in, recordings))
    speakers_by_count: dict[int, list[str]] = {}
    for speaker, count in sorted(count_by_speaker.items()):
        speakers_by_count.setdefault(count, []).append(speaker)
    listed = "; ".join(
        f"{count} {'each ' if len(names) > 1 else ''}of {', '.join(names)}"
        for count, names in sorted(speakers_by_count.items())[::-1]
    )
    copies = len(ids) - len(recordings)
    more = f", and {copies} copies of them in other voices" if copies else ""
    if len(count_by_speaker) == 1:
        return listed + more
    named = f" ({listed})" if len(count_by_speaker) <= MOST_NAMED else ""
    return f"{len(recordings)} of {len(count_by_speaker)} speakers{named}{more}"


def _faces(count: dict[str, int]) -> str:
    """Of training utterances, where not all were filmed."""
    if not count:
        return ""
    return (
        f"{count['filmed']} utterances were filmed; the lips of {count['made']} were made from their sound "
        f"(`data_prep.lips`), and {count['missing']} have none"
    )


def _settings(config: Config) -> list[str]:
    """The settings that differ from the defaults, as ``avsi train --set`` takes them."""
    config_values, default = dataclasses.asdict(config), dataclasses.asdict(Config())
    # Another kind of model has settings that the usual one has not.
    default["model"] |= dataclasses.asdict(MODELS[config.model.kind]()) | {"kind": Config().model.kind}
    names = [(section, key) for section, values in config_values.items() for key in values if section != "data"]
    return [
        f"{section}.{key}={config_values[section][key]}"
        for section, key in names
        if config_values[section][key] != default[section][key] and f"{section}.{key}" not in _NOT_LISTED
    ]
