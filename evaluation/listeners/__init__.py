"""Recognisers that listen to what was restored, and the sets that they hear.

May import: folder, and avsi.
"""
