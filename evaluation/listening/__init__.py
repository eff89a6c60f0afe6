"""Listening tests on an evaluation: what is drawn for them, what listeners rated, and what that says.

May import: folder, reporting, statistics, systems, and avsi.
"""
