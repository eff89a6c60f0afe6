"""The studio: a page in the browser to mark, find and restore what is lost, and the server on this machine behind it.

May import: audio, data, detecting, media, metrics, models, pretrained, restoring, video, words, and
the modules at the top of avsi.
"""
