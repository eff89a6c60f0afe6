"""The page of an evaluation and of its listening tests, and the server behind it, on avsi's own.

May import: folder, listening, reporting, statistics, systems, and avsi.
"""
