"""The folder of an evaluation: what lies where in it, how it is read and written, and how its figures came about.

May import: avsi.
"""
