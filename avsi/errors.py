"""Errors that a user can cause, and warnings. Each is one clear line: what was found, what was expected, what to do."""


class AvsiError(Exception):
    """Base of every error that the programs print as one line, with exit status 1."""


class AvsiWarning(UserWarning):
    """Something that a user should know about a result, which is produced nevertheless."""


class ClusterError(AvsiError):
    """Workers on other machines that cannot be reached or cannot do a program's tasks."""


class ConfigError(AvsiError):
    """A setting or an option that does not exist, or whose value is not valid."""


class DataError(AvsiError):
    """A data directory, list or corpus that does not hold what it should."""


class FaceError(AvsiError):
    """No face where a face is needed."""


class GapError(AvsiError):
    """A gap that does not fit the recording or another gap."""


class MediaError(AvsiError):
    """A sound or video file that cannot be read or written."""


class ModelError(AvsiError):
    """A trained model that cannot be used."""
