"""Signal processing of speech: samples, spectrogram, phase, mel bands, voice conversion.

May import: the modules at the top of avsi.
"""
