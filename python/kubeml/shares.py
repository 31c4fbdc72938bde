# SPDX-License-Identifier: Apache-2.0
"""How KubeML divides a dataset: documents of 64 rows in the order of the upload, a contiguous run of them for each
function, and intervals within that run, after each of which the weights are averaged."""

from typing import List, NamedTuple

DOCUMENT_ROWS = 64


class Span(NamedTuple):
    """Documents from `first` to before `end`."""

    first: int
    end: int

    def rows(self, all_rows: int) -> slice:
        return slice(self.first * DOCUMENT_ROWS, min(self.end * DOCUMENT_ROWS, all_rows))


def documents(rows: int) -> int:
    """Documents that hold so many rows; the last one may be short."""
    return -(-rows // DOCUMENT_ROWS)


def share(rows: int, functions: int, function: int) -> Span:
    """The documents of one function: sizes differ by one at most, the first functions have the larger ones."""
    size, larger = divmod(documents(rows), functions)
    first = function * size + min(function, larger)
    return Span(first, first + size + (function < larger))


def intervals(span: Span, batch: int, k: int) -> List[Span]:
    """The documents between two averages: as many as `k` batches need, at least; -1: the whole share."""
    period = span.end - span.first if k == -1 else -(-batch * k // DOCUMENT_ROWS)
    return [Span(first, min(first + period, span.end)) for first in range(span.first, span.end, max(period, 1))]
