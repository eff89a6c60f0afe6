"""Networks, the folder that a trained one is kept in, and its card.

May import: audio, data, pretrained, video, and the modules at the top of avsi.
"""
