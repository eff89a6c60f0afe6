"""Lips for voices that were never filmed: made from their sound, as learned from real faces.

May import: avsi.
"""
