"""What is evaluated: models, baselines and other programs' files, each as one function on an utterance.

May import: folder, and avsi.
"""
