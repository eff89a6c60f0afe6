"""Networks, the folders of trained models, and model cards.

May import: audio, data, pretrained, video, and the modules at the top of avsi.
"""
