"""Damage made on purpose, of every kind, with its truth: for training, evaluation and users' own tests.

May import: audio, data, media, restoring, and the modules at the top of avsi.
"""
