"""Arrays of sound: samples, spectrogram, phase, mel bands, other voices.

May import: and the modules at the top of avsi.
"""
