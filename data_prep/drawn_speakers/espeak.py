"""One sentence through eSpeak NG: a script that synthesis.py runs, in a folder that holds espeak-ng's data.

    python espeak.py LIBRARY VOICE WORDS_PER_MINUTE TEXT

Each sentence needs its own process: the library carries the pitch flutter and the signs of the harmonics over from one
sentence to the next without a way to reset them, so that its output depends on earlier sentences.

Writes a line of JSON, {"rate": Hz, "events": [[type, sample, name], ...]}, and then the sound: mono, 16 bit, in the
machine's byte order. Events are those of words (type 1, no name) and phonemes (type 7). Only the standard library
is imported, so that it starts in 10 ms.
"""

import ctypes
import json
import sys

# Names and values are those of espeak-ng's speak_lib.h.
AUDIO_OUTPUT_SYNCHRONOUS = 2
INITIALIZE_PHONEME_EVENTS, INITIALIZE_DONT_EXIT = 1, 1 << 15
EVENT_LIST_TERMINATED, EVENT_WORD, EVENT_PHONEME = 0, 1, 7
RATE, VOLUME = 1, 2
CHARS_UTF8 = 1
HALF_VOLUME = 50  # of 100; at full volume some voices clip


class EventId(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", EventId),
    )


def main(library: str, voice: str, words_per_min: str, text: str) -> None:
    espeak = ctypes.CDLL(library)
    sound, events = [], []

    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(Event))
    def collect(samples, n_samples, found):
        if samples:
            sound.append(ctypes.string_at(samples, 2 * n_samples))
        for event in found:
            if event.type == EVENT_LIST_TERMINATED:
                return 0
            if event.type == EVENT_WORD:
                events.append((event.type, event.sample, ""))
            elif event.type == EVENT_PHONEME:
                events.append((event.type, event.sample, event.id.string.decode()))

    options = INITIALIZE_PHONEME_EVENTS | INITIALIZE_DONT_EXIT
    # The data's path is given as ".", since espeak-ng truncates paths at 160 characters.
    rate = espeak.espeak_Initialize(AUDIO_OUTPUT_SYNCHRONOUS, 0, b".", options)
    if rate <= 0:
        sys.exit("espeak-ng cannot read its data")
    espeak.espeak_SetSynthCallback(collect)
    # The random seed of breath noise; by default it differs between processes.
    espeak.espeak_ng_SetRandSeed(1)
    if espeak.espeak_SetVoiceByName(voice.encode()):
        sys.exit(f"espeak-ng has no voice '{voice}'")
    espeak.espeak_SetParameter(RATE, int(words_per_min), 0)
    espeak.espeak_SetParameter(VOLUME, HALF_VOLUME, 0)
    said = text.encode()
    if espeak.espeak_Synth(said, len(said) + 1, 0, 1, 0, CHARS_UTF8, None, None):
        sys.exit("espeak-ng cannot speak the sentence")
    sys.stdout.buffer.write(json.dumps({"rate": rate, "events": events}).encode() + b"\n")
    sys.stdout.buffer.write(b"".join(sound))


if __name__ == "__main__":
    main(*sys.argv[1:])
