"""Mini-GRID: a corpus of drawn faces and synthesised voices in GRID's layout, formats and grammar."""
