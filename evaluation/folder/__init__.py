"""The folder of an evaluation: what lies where in it, read and written; and how its figures came about.

May import: and avsi.
"""
