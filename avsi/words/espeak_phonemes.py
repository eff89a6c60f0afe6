"""How eSpeak NG reads words: a script that pronouncing.py runs, in a folder that holds espeak-ng's data.

    python espeak_phonemes.py LIBRARY VOICE < WORDS

Reads a word from each line, and writes a line of its phonemes by their names in espeak-ng, separated by spaces. Only
the standard library is imported.
"""

import ctypes
import sys

# Names and values are those of espeak-ng's speak_lib.h.
AUDIO_OUTPUT_SYNCHRONOUS = 2
INITIALIZE_DONT_EXIT = 1 << 15
CHARS_UTF8 = 1
SEPARATED_BY_SPACES = ord(" ") << 8  # bits 8 to 23 of the phoneme mode are the separator's character


def main(library: str, voice: str) -> None:
    espeak = ctypes.CDLL(library)
    espeak.espeak_TextToPhonemes.restype = ctypes.c_char_p
    if espeak.espeak_Initialize(AUDIO_OUTPUT_SYNCHRONOUS, 0, b".", INITIALIZE_DONT_EXIT) <= 0:
        sys.exit("espeak-ng cannot read its data")
    if espeak.espeak_SetVoiceByName(voice.encode()):
        sys.exit(f"espeak-ng has no voice '{voice}'")
    for line in sys.stdin.buffer.read().decode().splitlines():
        text = ctypes.c_char_p(line.encode())
        clauses = []
        while text.value:  # moves on by a clause with each call
            found = espeak.espeak_TextToPhonemes(ctypes.byref(text), CHARS_UTF8, SEPARATED_BY_SPACES)
            clauses.append((found or b"").decode())
        sys.stdout.buffer.write(" ".join(clauses).encode() + b"\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
