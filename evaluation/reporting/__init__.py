"""Tables, curves and pages of an evaluation.

May import: folder, statistics, systems, and avsi.
"""
