"""Recordings restored: arrays in and out, files in and out, baselines, detectors of damage.

May import: audio, data, media, models, pretrained, training, video, words, and the modules at the top of avsi.
"""
