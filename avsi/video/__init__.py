"""The face: its landmarks in each frame, and their motion as features.

May import: media, and the modules at the top of avsi.
"""
