"""What people look at: plots, pages, the demo, the preview of augmentation.

May import: audio, data, media, metrics, models, pretrained, restoring, training, video,
and the modules at the top of avsi.
"""
