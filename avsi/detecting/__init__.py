"""What is wrong with a recording, found: a rule for each kind of damage that is exact, and what joins them.

May import: audio, data, media, models, pretrained, video, and the modules at the top of avsi.
"""
