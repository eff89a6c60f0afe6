"""Files of sound and picture, in and out: containers, sound files, videos.

May import: audio, and the modules at the top of avsi.
"""
