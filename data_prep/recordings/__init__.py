"""Any folder of sound or video, or any Kaldi data directory -> Kaldi data directories of short utterances."""
