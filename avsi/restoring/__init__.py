"""Recordings restored: arrays in and out, files in and out, baselines, what of their damage is repaired.

May import: audio, data, detecting, media, models, pretrained, training, video, words, and
the modules at the top of avsi.
"""
