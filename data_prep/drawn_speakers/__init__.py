"""People who are drawn and whose voices are synthesised: what mini-GRID and mini-speech are made of.

May import: avsi, and nothing else of data_prep.
"""
