"""The measurements of evaluation.benchmark: each takes a Setup and yields rows of the benchmark's table.

May import: avsi.
"""
