"""GRID, in any of the layouts it is passed around in -> Kaldi data directories."""
