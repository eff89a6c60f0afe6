"""Programs from a corpus to Kaldi data directories, run as ``python -m data_prep.grid``.

May import: avsi, and not evaluation. What one program alone needs lies in a package of its own.
"""
