# SPDX-License-Identifier: Apache-2.0
"""Requests to a `ringtrain server`, repeated where a connection is cut. Python's own libraries are enough."""

import contextlib
import errno
import http.client
import json
import logging
import os
import pathlib
import socket
import ssl
import time
import urllib.parse
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Tuple

_log = logging.getLogger("ringtrain")

_ANSWER_SECONDS = 30  # of silence, until a connection counts as cut
_SILENT_SECONDS = 5  # of an outage, until a line says so
_LONGEST_PAUSE = 2.0


class Mistake(NamedTuple):
    """A key of a job that the server refuses: its path ("optimizer.type"), its line in the job file from 1 (0: none),
    and why."""

    path: str
    line: int
    message: str


class ServerError(Exception):
    """The server's refusal of a request, in its own words (RFC 9457).

    str() is `detail`, and a line for each mistake in a job. `body` has all that the server said.
    source: the job's file; empty where it has no name, None where it has no lines.
    """

    def __init__(self, status: int, body: Mapping[str, Any], source: Optional[str] = "",
                 retry_after: Optional[float] = None):
        self.status, self.body, self.retry_after = status, body, retry_after
        self.detail = str(body.get("detail") or body.get("title") or f"status {status}")
        self.mistakes: List[Mistake] = [
            Mistake(str(one.get("path", "")), int(one.get("line") or 0), str(one.get("message", "")))
            for one in body.get("errors", ()) if isinstance(one, dict)]
        super().__init__("\n".join([self.detail, *(self._line(one, source) for one in self.mistakes)]))

    @staticmethod
    def _line(mistake: Mistake, source: Optional[str]) -> str:
        if source is None or not mistake.line:
            place = ""
        else:
            place = f"{source}:{mistake.line}: " if source else f"line {mistake.line}: "
        return f"  {place}{mistake.path}: {mistake.message}"


class ServerUnreachable(ConnectionError):
    """No answer came, although the request was repeated. Whether the server has acted on it is not known."""


class Place(NamedTuple):
    """An address of a server."""

    scheme: str
    host: str
    port: Optional[int]
    prefix: str  # of all paths, where a proxy has one

    @classmethod
    def of(cls, url: str) -> "Place":
        try:
            parts = urllib.parse.urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            host = None
        if not host or parts.scheme not in ("http", "https") or parts.username or parts.query or parts.fragment:
            raise ValueError(f"server {url!r}: must be an address such as http://127.0.0.1:8080")
        return cls(parts.scheme, host, port, parts.path.rstrip("/"))

    def is_loopback(self) -> bool:
        return self.host in ("127.0.0.1", "localhost", "::1")

    def connection(self) -> http.client.HTTPConnection:
        kind = http.client.HTTPSConnection if self.scheme == "https" else http.client.HTTPConnection
        return kind(self.host, self.port, timeout=_ANSWER_SECONDS)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}{f':{self.port}' if self.port else ''}{self.prefix}"


class Server:
    """The address of a server and a token for it: given, from the environment, or from the server's folder."""

    def __init__(self, url: Optional[str], token: Optional[str], folder: Optional[os.PathLike]):
        url = url or (os.environ.get("RINGTRAIN_SERVER") if folder is None else None)
        self._given = Place.of(url) if url else None
        self._folder_given = folder is not None
        self._folder = pathlib.Path(folder) if folder is not None else _default_folder()
        self._token = token or os.environ.get("RINGTRAIN_TOKEN") or self._token_of_folder()
        if not self._token.isascii() or not self._token.isprintable():
            raise ValueError("the token holds characters that no token has: give what `ringtrain server token` prints")

    def place(self) -> Place:
        """The address of now: a server that is started again may have another port."""
        if self._given:
            return self._given
        try:
            return Place.of(json.loads((self._folder / "server.lock").read_text())["address"])
        except (OSError, ValueError, KeyError, TypeError):
            raise ServerUnreachable(f"{self._folder}: no server has run there: start it with 'ringtrain server "
                                    f"{self._folder}', or set RINGTRAIN_SERVER") from None

    def headers(self) -> Dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}

    def _token_of_folder(self) -> str:
        # The owner's token of this machine is for this machine, unless somebody names the folder.
        if self._given and not self._given.is_loopback() and not self._folder_given:
            raise ValueError(f"no token for {self._given}: give token=, or set RINGTRAIN_TOKEN")
        try:
            return (self._folder / "token").read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "is no text"
            raise ServerUnreachable(f"{self._folder / 'token'}: {why}: start 'ringtrain server {self._folder}', or set"
                                    " RINGTRAIN_SERVER and RINGTRAIN_TOKEN") from None


def _default_folder() -> pathlib.Path:
    data = os.environ.get("XDG_DATA_HOME")
    return pathlib.Path(data) / "ringtrain" if data else pathlib.Path.home() / ".local/share/ringtrain"


Read = Callable[[http.client.HTTPResponse], Any]


class Rest:
    """Makes requests. One without an answer is repeated for `patience` seconds; where nobody listens, the first one of
    all fails at once.

    Thread: any.
    """

    def __init__(self, server: Server, patience: float):
        self._server, self._patience = server, patience
        self._has_answered = False

    def request(self, method: str, path: str, *, query: Optional[Mapping[str, Any]] = None,
                body: Optional[bytes] = None, headers: Optional[Mapping[str, str]] = None,
                source: Optional[str] = "", read: Read = http.client.HTTPResponse.read,
                patience: Optional[float] = None, done_by: Tuple[int, ...] = ()) -> Any:
        """Returns read() of a success; it begins anew with each try.

        `done_by`: refusals that mean, once an answer was lost, that the request was carried out: None is returned.
        Raises a ServerError or ServerUnreachable.
        """
        words = {name: value for name, value in (query or {}).items() if value is not None}
        target = path + ("?" + urllib.parse.urlencode(words) if words else "")
        begun, pause, lost, has_warned = time.monotonic(), 0.1, False, False
        end = begun + (self._patience if patience is None else patience)
        while True:
            place, sent = None, False
            try:
                place = self._server.place()
                with contextlib.closing(place.connection()) as connection:
                    connection.connect()
                    sent = True
                    return self._exchange(connection, method, place.prefix + target, body, headers or {}, source, read)
            except ServerError as refusal:
                if lost and refusal.status in done_by:
                    return None
                if refusal.retry_after is None or time.monotonic() + refusal.retry_after > end:
                    raise
                pause = max(pause, refusal.retry_after)
            except (OSError, http.client.HTTPException) as error:
                if not _is_cut(error):
                    raise
                lost = lost or sent
                is_final = isinstance(error, ssl.SSLCertVerificationError) or not (sent or self._has_answered)
                if is_final or time.monotonic() + pause > end:
                    raise ServerUnreachable(_words(place, error)) from None
                if not has_warned and time.monotonic() - begun > _SILENT_SECONDS:
                    has_warned = True
                    _log.warning("%s: asking again", _words(place, error))
            time.sleep(pause)
            pause = min(_LONGEST_PAUSE, 1.5 * pause)

    def _exchange(self, connection: http.client.HTTPConnection, method: str, target: str, body: Optional[bytes],
                  headers: Mapping[str, str], source: Optional[str], read: Read) -> Any:
        connection.request(method, target, body, {**self._server.headers(), **headers})
        answer = connection.getresponse()
        if answer.length is None and not answer.chunked:
            raise http.client.IncompleteRead(b"")  # its head is cut: every answer has a length
        self._has_answered = True
        if 200 <= answer.status < 300:
            return read(answer)
        raise ServerError(answer.status, _problem(answer), source, _retry_after(answer))


def _problem(answer: http.client.HTTPResponse) -> Mapping[str, Any]:
    """The body of a refusal, or what can be said where a proxy answers in words of its own."""
    text = answer.read()
    try:
        body = json.loads(text)
    except ValueError:
        body = None
    return body if isinstance(body, dict) else {"detail": f"status {answer.status} {answer.reason}"}


def _retry_after(answer: http.client.HTTPResponse) -> Optional[float]:
    if answer.status not in (429, 503):
        return None
    seconds = answer.headers.get("Retry-After", "1")
    return float(seconds) if seconds.isdecimal() else 1.0


_NETWORK_ERRORS = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN, errno.EADDRNOTAVAIL)


def _is_cut(error: Exception) -> bool:
    """Whether the network failed, rather than the disk that an answer is written to."""
    kinds = (ConnectionError, socket.timeout, socket.gaierror, ssl.SSLError, http.client.HTTPException)
    return isinstance(error, kinds) or getattr(error, "errno", None) in _NETWORK_ERRORS


def _words(place: Optional[Place], error: Exception) -> str:
    why = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return f"{place}: no answer: {why}" if place else why
