# SPDX-License-Identifier: Apache-2.0
"""One job on a `ringtrain server`."""

import errno
import http.client
import json
import math
import os
import pathlib
import sys
import time
import urllib.parse
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple, Union

from ringtrain.job_log import JobLog
from ringtrain.rest import Rest, ServerError, ServerUnreachable

Path = Union[str, os.PathLike]
Info = Dict[str, Any]

RESTING = ("Succeeded", "Failed", "Suspended", "Deleted")  # nothing happens then unless somebody asks for it

_PIECE = 1 << 20


class JobNotFinished(Exception):
    """A job has no result: it failed, was stopped, was deleted, or is not at its end. `info` is the job."""

    def __init__(self, info: Info, why: str = ""):
        self.info = info
        why = info.get("why") or why
        super().__init__(f"{info['name']} is {info['state']}" + (f": {why}" if why else ""))


class Job:
    """A job on a server. `info` is what the server said last of it: "state", "why", "epoch", "loss", ..."""

    def __init__(self, rest: Rest, info: Info):
        self._rest, self.info = rest, info
        self.name: str = info["name"]
        self._path = "/api/v1/jobs/" + urllib.parse.quote(self.name, safe="")

    def __repr__(self) -> str:
        return f"<ringtrain job {self.name}: {self.info['state']}>"

    def refresh(self) -> "Job":
        """Asks the server for `info`."""
        return self._refresh()

    def _refresh(self, patience: Optional[float] = None) -> "Job":
        self.info = json.loads(self._rest.request("GET", self._path, patience=patience))
        return self

    @property
    def state(self) -> str:
        """The state of now."""
        return self.refresh().info["state"]

    def stop(self) -> None:
        """Stops it with a checkpoint; returns before that is written."""
        self._change("POST", "/stop")

    def resume(self) -> None:
        """Runs a stopped or failed job again, from its newest checkpoint."""
        self._change("POST", "/resume", done_by=(409,))

    def delete(self) -> None:
        """Stops it and moves it to the trash, for 7 days."""
        self._change("DELETE", "", done_by=(404,))

    def _change(self, method: str, what: str, done_by: Tuple[int, ...] = ()) -> None:
        answer = self._rest.request(method, self._path + what, done_by=done_by)
        if answer is not None:
            self.info = {**self.info, **json.loads(answer)}

    def wait(self, timeout: Optional[float] = None, *, progress: Union[bool, Callable[[Info], None]] = False,
             check: bool = True) -> Info:
        """Waits for its end, whatever happens to the server or the network meanwhile, and returns `info`.

        The end is Succeeded, Failed, Suspended or Deleted; all but the first are a JobNotFinished, unless `check` is
        False. progress: a function that gets `info` at each change, or True for lines on stderr.
        Raises a TimeoutError after `timeout` seconds; the job runs on.
        """
        end = math.inf if timeout is None else time.monotonic() + timeout
        show, shown, pause = _lines_on_stderr() if progress is True else progress, None, 0.1
        while True:
            try:
                self._look(max(0.0, end - time.monotonic()))
            except ServerUnreachable as silence:
                if timeout is None:
                    raise
                raise TimeoutError(f"{self.name}: after {timeout:g} s: {silence}") from None
            if show and self.info != shown:
                shown = self.info
                show(self.info)
            if self.info["state"] in RESTING:
                break
            if time.monotonic() + pause > end:
                raise TimeoutError(f"{self.name} is {self.info['state']} after {timeout:g} s")
            time.sleep(pause)
            pause = min(1.0, 1.3 * pause)
        if check and self.info["state"] != "Succeeded":
            raise JobNotFinished(self.info, "resume() continues it" if self.info["state"] == "Suspended" else "")
        return self.info

    def _look(self, patience: float) -> None:
        created = self.info.get("created")
        try:
            self._refresh(patience)
            is_gone = self.info.get("created") != created  # another one has its name
        except ServerError as refusal:
            if refusal.status != 404:
                raise
            is_gone = True
        if is_gone:
            self.info = {"name": self.name, "state": "Deleted", "why": ""}

    def history(self) -> List[Info]:
        """A dict for each complete epoch (docs/reference/history.md): "train_loss", "test_accuracy", ..."""
        text = self._file("history.jsonl")
        lines = (text or b"").split(b"\n")[:-1]  # the last one is being written, or empty
        return [json.loads(line) for line in lines]

    def result(self) -> Info:
        """The figures of the finished run (docs/reference/result.md). Raises a JobNotFinished before that."""
        text = self._file("result.json")
        if text is None:
            raise JobNotFinished(self.info, "it has no result yet")
        return json.loads(text)

    def files(self) -> Dict[str, int]:
        """The files of its output: bytes by path."""
        listed = json.loads(self._rest.request("GET", self._path + "/files"))
        return {one["path"]: one["bytes"] for one in listed["files"]}

    def _file(self, path: str) -> Optional[bytes]:
        """The contents of a file; None where the job has none of that name."""
        try:
            return self._rest.request("GET", self._file_path(path))
        except ServerError as refusal:
            if refusal.status != 404:
                raise
        self.refresh()  # 404 where there is no such job either
        return None

    def _file_path(self, path: str) -> str:
        return f"{self._path}/files/{urllib.parse.quote(path)}"

    def download(self, path: str = "model.safetensors", to: Path = ".") -> pathlib.Path:
        """Fetches a file of its output to a path or into a folder, and returns where it is.

        It appears whole or not at all; after a cut connection it is fetched again from the start, since it may have
        been written anew.
        """
        target = pathlib.Path(to)
        if target.is_dir() or os.fspath(to).endswith("/"):
            target /= pathlib.PurePosixPath(path).name
        if not target.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, "no such folder", str(target.parent))
        part = target.with_name(f".{target.name}.part-{os.getpid()}")

        def write(answer: http.client.HTTPResponse) -> None:
            with open(part, "wb") as file:
                while piece := answer.read(_PIECE):
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            if answer.length:  # is left
                raise http.client.IncompleteRead(b"", answer.length)

        try:
            self._rest.request("GET", self._file_path(path), read=write)
            os.replace(part, target)
        finally:
            part.unlink(missing_ok=True)
        return target

    def logs(self, *, follow: bool = False, attempt: Optional[int] = None) -> Iterator[str]:
        """The lines of the log of the newest start of the job, or of another one.

        follow: waits for more until the job's end, over further starts of the job and outages of the server; after a
        cut connection it continues behind the last line.
        """
        log, pause = JobLog(self._rest, self._path, attempt or 0, math.inf if follow else None), 0.1
        while True:
            # The state of before the reading: what a job at rest has not written by then, it never will.
            self._refresh(math.inf if follow else None)
            log.attempt = log.attempt or self.info["attempts"]
            is_over = self.info["state"] in RESTING or self.info["attempts"] > log.attempt
            for line in log.new_lines():
                pause = 0.1
                yield line
            if follow and not attempt and self.info["attempts"] > log.attempt:
                log = JobLog(self._rest, self._path, log.attempt + 1, math.inf)
            elif is_over or not follow:
                yield from log.last_line()
                return
            else:
                time.sleep(pause)
                pause = min(1.0, 1.3 * pause)


def _lines_on_stderr() -> Callable[[Info], None]:
    """Prints a line where the state, its reason or the epoch has changed."""
    last = [None]

    def show(info: Info) -> None:
        now = info["state"], info.get("why"), info.get("epoch")
        if now == last[0]:
            return
        last[0] = now
        words = [f"{info['name']}: {info['state']}"]
        if info.get("epoch"):
            words.append(f"epoch {info['epoch']} of {info['epochs']}")
        for key, text in (("loss", "loss {:.4g}"), ("test_accuracy", "test accuracy {:.4f}"),
                          ("samples_per_second", "{:,.0f} samples/s"), ("why", "{}")):
            if info.get(key):
                words.append(text.format(info[key]))
        print(", ".join(words), file=sys.stderr, flush=True)

    return show
