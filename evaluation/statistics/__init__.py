"""Scores of utterances, means and intervals, and what they say of systems.

May import: folder, systems, and avsi.
"""
