"""Checks of what the programs are asked for that make corpora of drawn speakers, before anything is made."""

from collections.abc import Sequence

from avsi.errors import ConfigError

from .synthesis import EspeakVoice, synthesize, voice_names


def check_numbers(**bounds: tuple[int, int, int | None]) -> None:
    """Options by name: (value, smallest, largest or None).

    Raises:
        ConfigError: a value out of its bounds.
    """
    for name, (value, smallest, largest) in bounds.items():
        if value < smallest or (largest is not None and value > largest):
            expected = f"{smallest} or more" if largest is None else f"{smallest} to {largest}"
            raise ConfigError(f"--{name} {value}: expected {expected}")


def check_voices(voices: Sequence[str]) -> None:
    """Let each voice speak, or one of all where none is named.

    Raises:
        ConfigError: no such voice.
        AvsiError: eSpeak NG is not there, or does not work here.
    """
    for name in voices or voice_names()[:1]:
        synthesize(["bin"], EspeakVoice(name, pitch_hz=120))
