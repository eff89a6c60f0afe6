"""The commands of `avsi`, one a module. What is heavy is imported by the function that needs it.

May import: audio, damaging, data, detecting, media, metrics, models, pages, pretrained, restoring, studio, training,
video, words, and the modules at the top of avsi.
"""
