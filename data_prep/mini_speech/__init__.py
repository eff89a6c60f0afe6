"""Mini-speech: a corpus of drawn faces and synthesised voices that say free sentences."""
