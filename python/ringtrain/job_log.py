# SPDX-License-Identifier: Apache-2.0
"""The log of one start of a job."""

import http.client
from typing import Iterator, Optional, Tuple

from ringtrain.rest import Rest

_PIECE = 1 << 20


class JobLog:
    """Reads a log piece by piece."""

    def __init__(self, rest: Rest, path: str, attempt: int, patience: Optional[float]):
        self._rest, self._path, self.attempt, self._patience = rest, path, attempt, patience
        self._offset, self._tail = 0, b""

    def new_lines(self) -> Iterator[str]:
        while True:
            query = {"attempt": self.attempt, "from": self._offset, "limit": _PIECE}
            text, next_offset = self._rest.request("GET", self._path + "/logs", query=query, read=_piece,
                                                   patience=self._patience)
            if next_offset <= self._offset:
                return
            self._offset = next_offset
            *lines, self._tail = (self._tail + text).split(b"\n")
            for line in lines:
                yield line.decode(errors="replace")

    def last_line(self) -> Iterator[str]:
        if self._tail:
            yield self._tail.decode(errors="replace")


def _piece(answer: http.client.HTTPResponse) -> Tuple[bytes, int]:
    offset = answer.headers.get("X-Next-Offset")
    if offset is None:
        raise http.client.IncompleteRead(b"")  # the end of its head is cut
    return answer.read(), int(offset)
