"""What was said: transcripts, pronunciations, alignments and their files.

May import: audio, data, media, models, video, and the modules at the top of avsi.
"""
