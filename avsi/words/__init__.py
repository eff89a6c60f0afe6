"""What was said: transcripts, pronunciations, alignments and their files.

May import: audio, data, media, models, restoring, video, and the modules at the top of avsi.
"""
