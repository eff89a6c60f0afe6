"""Recognisers of phones and words, the sets that they recognise, and the rows that they write.

May import: folder, and avsi.
"""
