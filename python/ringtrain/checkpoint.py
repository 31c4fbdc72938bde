# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of a script that is stopped, killed and started again.

    state = ringtrain.checkpoint.load("last.pt") or {"step": 0}
    ...
    if step % 100 == 0 or ringtrain.checkpoint.requested():
        ringtrain.checkpoint.save("last.pt", {"step": step, "model": model.state_dict()})
        if ringtrain.checkpoint.requested():
            break

docs/guides/checkpoint-a-script.md has the whole.
"""

import os
import pathlib
import pickle
import re
import signal
import socket
import threading
import zlib
from typing import Any, Optional, Tuple, Union

import torch
from torch import distributed

Path = Union[str, os.PathLike]

_END_BYTES = 65536  # torch's archive ends with the checksums of its parts


class _Request:
    """SIGTERM, from the first question on; then all ranks say what they know with each question."""

    def __init__(self):
        self.seen = self.agreed = False
        self.process = None  # that listens

    def listen(self) -> None:
        if self.process == os.getpid():
            return
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("ringtrain.checkpoint.requested() is called first by the main thread: Python takes"
                               " signals there alone")
        before = signal.getsignal(signal.SIGTERM)

        def on_sigterm(number, frame):
            if os.getpid() != self.process:  # a child that was forked, such as a DataLoader's
                signal.signal(number, signal.SIG_DFL)
                os.kill(os.getpid(), number)
            self.seen = True
            if callable(before):
                before(number, frame)

        signal.signal(signal.SIGTERM, on_sigterm)
        self.process = os.getpid()


_request = _Request()


def _has_peers() -> bool:
    return distributed.is_initialized() and distributed.get_world_size() > 1


def _rank() -> int:
    return distributed.get_rank() if distributed.is_initialized() else int(os.environ.get("RANK", 0))


def requested() -> bool:
    """Whether any rank was asked to end, by SIGTERM: save and return from training.

    All ranks call it at the same place and get the same answer, by one all-reduce of a number; once it is True, it
    stays so. From the first call on SIGTERM no longer ends the process. `ringtrain run` sends it to each rank on Ctrl-C
    and SIGTERM, and leaves it 22 s.
    """
    _request.listen()
    if _request.agreed or not _has_peers():
        return _request.agreed or _request.seen
    device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
    flag = torch.tensor(int(_request.seen), dtype=torch.int32, device=device)
    distributed.all_reduce(flag, distributed.ReduceOp.MAX)
    _request.agreed = bool(flag.item())
    return _request.agreed


def save(path: Path, state: Any) -> None:
    """Writes what torch.save() writes, by rank 0; the other ranks return at once.

    The file appears whole and safe on the disk, or not at all: then the one before it stays. Missing folders are made.
    Errors are an OSError of one line that names the file.
    """
    if _rank() != 0:
        return
    path = pathlib.Path(path)
    temporary = path.with_name(f".{path.name}.new")  # one name: what a killed process leaves is written over
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with open(temporary, "wb") as file:
                torch.save(state, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)
    except (OSError, RuntimeError) as error:
        cause = _os_error_of(error)
        if cause is None:
            raise  # a state that torch cannot write
        raise OSError(cause.errno, f"checkpoint not written: {os.strerror(cause.errno)}", str(path)) from None
    saved(path)


def _os_error_of(error):
    """torch's writer hides the error of the file behind one of its own."""
    while error is not None and not (isinstance(error, OSError) and error.errno):
        error = error.__context__
    return error


def _sync_folder(folder: pathlib.Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def saved(path: Path) -> None:
    """Reports a checkpoint that the script has written by itself to `ringtrain run`: its count of restarts begins
    again. save() does so, too; elsewhere it does nothing."""
    if report := os.environ.get("RINGTRAIN_SAVED"):
        try:
            pathlib.Path(report).write_text(f"{os.path.abspath(path)}\n")
        except OSError:
            pass  # only a restart less


def load(path: Path, **options: Any) -> Any:
    """The state that was saved, on every rank, or None where there is none yet.

    Options are those of torch.load(); tensors come to the CPU unless map_location is given. All ranks read the same
    file or none: where rank 0 has a checkpoint that another one does not see, that one raises a RuntimeError.
    """
    mark = _mark_of(path)
    if _has_peers():
        answer = [mark]
        distributed.broadcast_object_list(answer, src=0)
        if answer[0] != mark:
            raise RuntimeError(f"{path}: rank {_rank()} on {socket.gethostname()} has {_words(mark)}, rank 0"
                               f" {_words(answer[0])}: keep it where all hosts see the same files")
    if mark is None:
        return None
    try:
        state = torch.load(path, **{"map_location": "cpu", **options})
    except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
        if foreign := re.search(r"Unsupported (?:global|class).*?([\w.]+\.\w+)", str(error)):
            raise RuntimeError(f"{path}: holds more than tensors and plain values ({foreign[1]}): "
                               "load(path, weights_only=False) where you trust it") from None
        why = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise RuntimeError(f"{path}: not a checkpoint that torch can read: remove it to start from the beginning"
                           f" ({why[:200]})") from None
    if _has_peers():
        distributed.barrier()  # nobody saves the next one before all have read this one
    return state


def _mark_of(path: Path) -> Optional[Tuple[int, int]]:
    """Size and checksum of the end of a file; None where there is none."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _END_BYTES))
            return size, zlib.crc32(file.read())
    except FileNotFoundError:
        return None


def _words(mark: Optional[Tuple[int, int]]) -> str:
    return "no checkpoint there" if mark is None else f"one of {mark[0]} bytes (checksum {mark[1]:08x})"
