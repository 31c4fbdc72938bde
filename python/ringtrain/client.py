# SPDX-License-Identifier: Apache-2.0
"""Jobs on a `ringtrain server`, from Python; torch is not needed.

    client = ringtrain.Client()
    job = client.submit("examples/mnist-lenet.yaml", ranks=2)
    job.wait(progress=True)
    print(job.result()["test_accuracy"])
    job.download("model.safetensors")

docs/guides/from-python.md has the whole.
"""

import json
import os
import pathlib
import uuid
from typing import Any, List, Mapping, Optional, Tuple, Union

from ringtrain.job import Info, Job, JobNotFinished
from ringtrain.rest import Mistake, Rest, Server, ServerError, ServerUnreachable

__all__ = ["Client", "Job", "JobNotFinished", "Mistake", "ServerError", "ServerUnreachable"]

Path = Union[str, os.PathLike]

_MOST_JOB_BYTES = 1 << 20
_JOBS_A_PAGE = 500


class Client:
    """A server's jobs.

    server: its address; else RINGTRAIN_SERVER, else that of the server on this machine whose folder is `folder`
        (~/.local/share/ringtrain, as for `ringtrain server`).
    token: else RINGTRAIN_TOKEN, else the owner's token in that folder, for a server on this machine.
    patience: seconds for which a request is repeated where the connection is cut. Waits have no such limit.

    Errors are a ServerError in the server's words, and a ServerUnreachable where no answer comes.
    Thread: any.
    """

    def __init__(self, server: Optional[str] = None, *, token: Optional[str] = None, folder: Optional[Path] = None,
                 patience: float = 10):
        self._rest = Rest(Server(server, token, folder), patience)

    def submit(self, job: Union[Mapping[str, Any], Path], *, ranks: Optional[int] = None, name: Optional[str] = None,
               fresh_name: bool = False, key: Optional[str] = None) -> "Job":
        """Sends a job, which is safe on the server's disk when this returns.

        job: the job file as a dict, as YAML text, or its path. A text has a line break or ": " in it; a path does not.
        ranks: else the job's workers.max, or 1. fresh_name: takes NAME-2 and so on where the name is taken.
        key: makes the job once, however often it is sent with the same key within a day; each call has a key of its
            own without one, so that a repeated request makes one job.
        Raises a ServerError with all mistakes of the job.
        """
        source, content, body = _job_file(job)
        query = {"ranks": ranks, "name": name, "fresh_name": "true" if fresh_name else None}
        answer = self._rest.request("POST", "/api/v1/jobs", query=query, body=body, source=source, headers={
            "Content-Type": content, "Idempotency-Key": key or uuid.uuid4().hex})
        return Job(self._rest, json.loads(answer))

    def validate(self, job: Union[Mapping[str, Any], Path], *, ranks: Optional[int] = None) -> Info:
        """"valid", "errors", and "job" with all defaults; nothing is made."""
        source, content, body = _job_file(job)
        answer = self._rest.request("POST", "/api/v1/jobs:validate", query={"ranks": ranks}, body=body,
                                    source=source, headers={"Content-Type": content})
        return json.loads(answer)

    def job(self, name: str) -> "Job":
        """A job by its name."""
        return Job(self._rest, {"name": name}).refresh()

    def jobs(self, *, state: Optional[str] = None, words: Optional[str] = None) -> List["Job"]:
        """All jobs, the newest first; those in a state ("Running", or several with commas), with words in them."""
        found: List[Job] = []
        after: Optional[str] = ""
        while after is not None:
            query = {"state": state, "q": words, "limit": _JOBS_A_PAGE, "after": after or None}
            page = json.loads(self._rest.request("GET", "/api/v1/jobs", query=query))
            found += [Job(self._rest, info) for info in page["jobs"]]
            after = page["next"]
        return found


def _job_file(job: Union[Mapping[str, Any], Path]) -> Tuple[Optional[str], str, bytes]:
    """(source as in ServerError, content type, text) of a job in any of its forms."""
    if isinstance(job, Mapping):
        text = json.dumps(job, allow_nan=False, default=os.fspath)
        source, content, body = None, "application/json", text.encode()
    elif isinstance(job, str) and ("\n" in job or ": " in job):
        source, content, body = "", "application/yaml", job.encode()
    else:
        source, content, body = os.fspath(job), "application/yaml", pathlib.Path(job).read_bytes()
    if len(body) > _MOST_JOB_BYTES:
        raise ValueError(f"{source or 'the job'}: {len(body):,} bytes, and a job file has at most {_MOST_JOB_BYTES:,}")
    return source, content, body
