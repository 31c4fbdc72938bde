# SPDX-License-Identifier: Apache-2.0
"""Errors with an HTTP status, under the names that function files import."""


class KubeMLException(Exception):
    """message: one line; code: the HTTP status that it is answered with."""

    def __init__(self, message: str, code: int = 500):
        super().__init__(message)
        self.message, self.code = message, code

    def to_dict(self):
        return {"error": self.message, "code": self.code}


class MergeError(KubeMLException):
    """The ranks could not average their weights."""

    def __init__(self, message: str = "the functions could not average their weights"):
        super().__init__(message, 500)


class DataError(KubeMLException):
    """A dataset cannot be read."""

    def __init__(self, message: str = "the dataset cannot be read"):
        super().__init__(message, 500)


class DatasetNotFoundError(KubeMLException):
    """A function file names a dataset that was not uploaded."""

    def __init__(self, message: str = "the dataset was not found"):
        super().__init__(message, 404)


class InvalidFormatError(KubeMLException):
    """A function returned what its caller cannot use."""

    def __init__(self, message: str = "the function returned something of another type"):
        super().__init__(message, 400)


class InvalidArgsError(KubeMLException):
    """Numbers of a task that cannot be."""

    def __init__(self, message: str = "the arguments of the task do not fit"):
        super().__init__(message, 400)


class StorageError(KubeMLException):
    """Weights of a network that are not there."""

    def __init__(self, message: str = "the weights of the network are not there"):
        super().__init__(message, 404)
