"""Random speakers: voice, face and way of moving, from a seed."""

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from avsi.rng import generator

from .canvas import Colour, View
from .head import Proportions
from .look import Look
from .synthesis import ACCENTS, FEMALE_VARIANTS, MALE_VARIANTS, EspeakVoice

SKINS = ((236, 196, 172), (226, 182, 154), (210, 164, 132), (186, 138, 104), (150, 104, 76), (128, 88, 66))
HAIRS = ((36, 30, 28), (62, 42, 30), (96, 66, 42), (140, 102, 62), (186, 152, 100), (122, 62, 34), (128, 124, 120))
IRISES = ((72, 50, 34), (92, 110, 84), (96, 118, 140), (64, 84, 112))


@dataclass(frozen=True)
class Speaker:
    """One speaker.

    Attributes:
        strength, haste: as in :func:`.articulation.articulate`.
        liveliness: as in :func:`.gestures.random_gestures`.
        level_db: peak level of the speech relative to full scale.
        noise_db: level of the room noise relative to full scale.
        texture_seed: for skin, hair and cloth.
    """

    voice: EspeakVoice
    proportions: Proportions
    look: Look
    strength: float
    haste: float
    liveliness: float
    level_db: float
    noise_db: float
    texture_seed: int


def random_speaker(seed: int, number: int, voices: Sequence[str] = ()) -> Speaker:
    """The speaker with a number in the corpus of a seed; the same on every machine and independent of other speakers.

    Args:
        voices: names of espeak-ng's voices to choose from; empty for all.
    """
    rng = generator(seed, "speaker", number)
    female = (number + seed) % 2 == 0
    drawn = f"{rng.choice(ACCENTS)}+{rng.choice(FEMALE_VARIANTS if female else MALE_VARIANTS)}"
    name = str(rng.choice(voices)) if voices else drawn
    female = name.partition("+")[2] in FEMALE_VARIANTS
    return Speaker(
        voice=_voice(rng, female, name),
        proportions=_proportions(rng, female),
        look=_look(rng, female),
        strength=rng.uniform(0.95, 1.25),
        haste=rng.uniform(0.85, 1.25),
        liveliness=rng.uniform(0.5, 1.2),
        level_db=rng.uniform(-16, -8),
        noise_db=rng.uniform(-62, -52),
        texture_seed=int(rng.integers(2**31)),
    )


def _voice(rng: np.random.Generator, female: bool, name: str) -> EspeakVoice:
    return EspeakVoice(
        name=name,
        pitch_hz=float(rng.uniform(165, 240) if female else rng.uniform(85, 140)),
        intonation=float(rng.uniform(25, 70)),
        words_per_min=float(rng.uniform(132, 168)),
        tract=float(np.clip(rng.normal(1, 0.06), 0.88, 1.12)),
    )


def _proportions(rng: np.random.Generator, female: bool) -> Proportions:
    drawn = {field.name: float(np.clip(rng.normal(1, 0.05), 0.9, 1.1)) for field in fields(Proportions)}
    # On average: a narrower jaw, thinner brows, fuller lips, larger eyes, a smaller nose.
    mean = (
        {"jaw_width": 0.93, "brow_thickness": 0.75, "lip_thickness": 1.12, "eye_size": 1.08, "nose_width": 0.92}
        if female
        else {"jaw_width": 1.03, "brow_thickness": 1.15, "lip_thickness": 1.02, "chin": 1.02}
    )
    return Proportions(**{name: value * mean.get(name, 1.0) for name, value in drawn.items()})


def _look(rng: np.random.Generator, female: bool) -> Look:
    skin = np.array(SKINS[rng.integers(len(SKINS))]) * rng.uniform(0.94, 1.03)
    dark = skin.mean() < 140
    hair = np.array(HAIRS[rng.integers(2 if dark else len(HAIRS))]) * rng.uniform(0.85, 1.15)
    rosy = rng.uniform(0.15, 0.5) if female else rng.uniform(0.05, 0.25)
    # On dark skin lips are hardly darker, but redder.
    tint = (1.34, 0.92, 0.94) if dark else (0.9, 0.64, 0.64)
    lips = skin * tint * (1 - rosy) + np.array((192, 70, 84)) * rosy
    bald = not female and rng.random() < 0.15
    long = female and rng.random() < 0.75
    return Look(
        skin=_colour(skin),
        lips=_colour(lips),
        hair=_colour(0.5 * hair + 0.5 * skin) if bald else _colour(hair),
        brows=_colour(0.75 * hair + 0.12 * skin),
        iris=_colour(IRISES[0] if dark else IRISES[rng.integers(len(IRISES))]),
        clothes=_hue(rng.random(), rng.uniform(0.05, 0.55), rng.uniform(0.2, 0.75)),
        background=_hue(rng.normal(0.55, 0.05), rng.uniform(0.3, 0.8), rng.uniform(0.5, 0.8)),
        stubble=0.0 if female or rng.random() < 0.4 else rng.uniform(0.2, 0.7 if dark else 1.5),
        hairline_mm=78.0 if bald else rng.uniform(50, 70),
        sideburn_mm=rng.uniform(-14, 0) if female else rng.uniform(-5, 22),
        hair_mm=0.0 if bald else rng.uniform(5, 12),
        hair_length_mm=rng.uniform(70, 160) if long else 0.0,
        neckline_mm=rng.uniform(26, 48),
        view=_view(rng),
        turn=(rng.normal(0, 0.04), rng.normal(0, 0.07), rng.normal(0, 0.025)),
    )


def _view(rng: np.random.Generator) -> View:
    light = (rng.uniform(-0.5, 0.5), rng.uniform(-0.6, -0.3), 0.85)
    pixels_per_mm = rng.uniform(0.68, 0.84)
    return View(pixels_per_mm, (rng.uniform(0.44, 0.56), rng.uniform(0.48, 0.55)), light)


def _colour(rgb: np.ndarray) -> Colour:
    return tuple(float(value) for value in np.clip(rgb, 0, 255))


def _hue(hue: float, saturation: float, value: float) -> Colour:
    return _colour(255 * np.array(colorsys.hsv_to_rgb(hue % 1, saturation, value)))
