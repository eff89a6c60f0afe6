"""Training: the run, its tasks, losses, batches and augmentation.

May import: audio, data, models, video, and the modules at the top of avsi.
"""
