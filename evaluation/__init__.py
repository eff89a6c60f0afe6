"""Programs that restore, score and report whole sets, run as ``python -m evaluation.restore``; helpers lie in rooms.

May import: avsi, and not data_prep.
"""
