"""Data sets: data directories, gaps and their masks, lexicon, features, statistics.

May import: audio, media, video, and the modules at the top of avsi.
"""
