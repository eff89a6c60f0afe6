"""Reading and writing of sound and video files.

May import: audio, and the modules at the top of avsi.
"""
