"""Training: the run, its tasks, losses, batches and augmentation; adaptation to recordings of one speaker.

May import: audio, damaging, data, media, metrics, models, video, and the modules at the top of avsi.
"""
