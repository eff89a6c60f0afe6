"""GRID, in any layout of its folders -> Kaldi data directories."""
