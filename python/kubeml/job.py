# SPDX-License-Identifier: Apache-2.0
"""A train task over the ranks of one job: `python -m kubeml.job TASK`, a rank for each of KubeML's functions.

Ranks stay; main() of the function file runs anew for each epoch and validation, as in KubeML. After every interval the
weights are averaged (averaging.py). A function that raises is left out until the epoch's end; the job ends when all do.
The output gets function.py, kubeml-history.json, checkpoint.pt after each epoch, and model.pth at the end.
"""

import datetime
import os
import pathlib
import shutil
import sys
import time
import traceback
from typing import Any, Callable, Optional, Tuple

from torch import distributed

import ringtrain.checkpoint  # registers the backend, too
from kubeml import calls, task
from kubeml.averaging import Averager, all_sum
from kubeml.calls import Call, State
from kubeml.exceptions import KubeMLException
from kubeml.shares import intervals, share


# The launcher notices ranks that are gone or hang; a function may be slower than others for as long as it likes.
_PATIENCE = datetime.timedelta(days=30)
FINISH_FILE = "finish"  # in the output: the job is asked to end (job/outcome_file.hpp)


class _Stopped(BaseException):
    """Ends a call of a function when the job is asked to stop; nothing of the user's catches it by mistake."""


class Job:
    def __init__(self, given: task.Task, output: pathlib.Path):
        self.task, self.output = given, output
        self.rank, self.size = distributed.get_rank(), distributed.get_world_size()
        self.history = task.History(given)
        self.optimizer_states: dict = {}
        self.epoch, self.seconds, self.averaged = 0, 0.0, 0
        self.goal_reached = False

    def run(self) -> None:
        main = self._load()
        self._begin(main)
        is_asked_to_end = self._is_asked_to_end()
        while self.epoch < self.task.epochs and not self.goal_reached and not is_asked_to_end:
            self._train(main)
            if self.task.is_validated(self.epoch):
                self._validate(main)
            self._save()
            is_asked_to_end = self._is_asked_to_end()
        if not self.goal_reached and not (is_asked_to_end and self.epoch < self.task.epochs):
            self._validate(main)
        self._finish()

    def _load(self) -> Callable[[], Any]:
        """The function file as it was when the job began: later starts take the copy."""
        copy = self.output / task.FUNCTION_FILE
        if self.rank == 0 and not copy.exists():
            new = copy.with_suffix(".new")
            shutil.copyfile(self.task.code, new)
            os.replace(new, copy)
        distributed.barrier()
        return self._together(lambda: task.load_main(copy))

    def _together(self, work: Callable[[], Any]) -> Any:
        """work() on all ranks. Where it raises on one, all end: with their own exception, or that of the first."""
        error: Optional[BaseException] = None
        made = None
        try:
            made = work()
        except (Exception, SystemExit) as raised:
            error = raised
        errors = [None] * self.size
        distributed.all_gather_object(errors, error and f"{type(error).__name__}: {error}")
        if error is not None:
            raise _as_failure(error)
        for function, text in enumerate(errors):
            if text is not None:
                raise RuntimeError(f"function {function} cannot start: {text}")
        return made

    def _begin(self, main: Callable[[], Any]) -> None:
        """The first weights, or those of the checkpoint."""
        call = self._together(lambda: calls.run(self._call("init"), main))
        self.rows = call.sizes
        self.averager = Averager(call.state)
        saved = ringtrain.checkpoint.load(self.output / "checkpoint.pt")
        first = call.state if saved is None else saved["state"]
        self.reference, _ = self.averager.mean(first if self.rank == 0 else None)
        if saved is not None:
            self.epoch, self.seconds, self.goal_reached = saved["epoch"], saved["seconds"], saved["goal_reached"]
            self.history = task.History(self.task, saved["history"])
            self._say(f"continuing after epoch {self.epoch}")
        self.started = time.monotonic() - self.seconds

    def _call(self, kind: str) -> Call:
        return Call(kind, self.task.datasets, self.task.job_id, self.size, self.rank, self.task.k, self.task.batch,
                    self.task.lr, self.epoch, reference=getattr(self, "reference", None),
                    optimizer_states=self.optimizer_states, average=self._average)

    def _average(self, state: Optional[State]) -> State:
        self.reference, _ = self.averager.mean(state)
        self.averaged += 1
        if ringtrain.checkpoint.requested():
            raise _Stopped
        return self.reference

    def _train(self, main: Callable[[], Any]) -> None:
        self.epoch, self.averaged = self.epoch + 1, 0
        error, call = self._attempt("train", main)
        try:
            for _ in range(self.averaged, self._intervals()):
                self._average(None)
            total, count = all_sum([call.result, 1.0] if call else [0.0, 0.0])
        except KubeMLException:
            count = 0
        if count == 0:
            raise _as_failure(error)
        self.seconds = time.monotonic() - self.started
        self.history.add(train_loss=total / count, parallelism=self.size, epoch_duration=self.seconds)
        self._say(f"epoch {self.epoch} of {self.task.epochs}: train loss {total / count:.4f}")

    def _validate(self, main: Callable[[], Any]) -> None:
        error, call = self._attempt("val", main)
        accuracy, loss = call.result if call else (0.0, 0.0)
        rows = call.rows if call else 0
        accuracy, loss, rows = all_sum([accuracy * rows, loss * rows, rows])
        if rows == 0:
            raise _as_failure(error)
        self.history.add(accuracy=accuracy / rows, validation_loss=loss / rows)
        self.goal_reached = accuracy / rows >= self.task.goal_accuracy
        self._say(f"validation: accuracy {accuracy / rows:.2f}, loss {loss / rows:.4f}")

    def _attempt(self, kind: str, main: Callable[[], Any]) -> Tuple[Optional[BaseException], Optional[Call]]:
        """A call of this rank's function, where it has documents; or what it raised."""
        if not self._share(kind, self.rank):
            return None, None
        try:
            return None, calls.run(self._call(kind), main)
        except (Exception, SystemExit) as error:
            if self.averager.is_broken:
                raise
            where = traceback.extract_tb(error.__traceback__)[-1]
            print(f"function {self.rank} of {self.size} fails in epoch {self.epoch}, {kind}: {type(error).__name__}:"
                  f" {error} ({os.path.basename(where.filename)}:{where.lineno})", file=sys.stderr, flush=True)
            return error, None

    def _share(self, kind: str, rank: int) -> range:
        return range(*share(self.rows["train" if kind == "train" else "test"], self.size, rank))

    def _intervals(self) -> int:
        """Averages of an epoch: as many as the function with the most has."""
        return max(len(intervals(share(self.rows["train"], self.size, rank), self.task.batch, self.task.k))
                   for rank in range(self.size))

    def _is_asked_to_end(self) -> bool:
        """Whether `kubeml task stop` was typed; all ranks get the same answer."""
        is_asked = self.rank == 0 and (self.output / FINISH_FILE).exists()
        return all_sum([float(is_asked)])[0] > 0

    def _save(self) -> None:
        ringtrain.checkpoint.save(self.output / "checkpoint.pt", {
            "epoch": self.epoch, "seconds": self.seconds, "goal_reached": self.goal_reached, "state": self.reference,
            "history": self.history.data})
        if self.rank == 0:
            self.history.write(self.output)

    def _finish(self) -> None:
        ringtrain.checkpoint.save(self.output / task.WEIGHTS_FILE, self.reference)
        if self.rank == 0:
            self.history.write(self.output)
            for name in ("checkpoint.pt", FINISH_FILE):
                (self.output / name).unlink(missing_ok=True)

    def _say(self, text: str) -> None:
        if self.rank == 0:
            print(text, flush=True)


def _as_failure(error: Optional[BaseException]) -> BaseException:
    """The exception that ends the job; a function that calls sys.exit(0) has not done its task either."""
    if isinstance(error, SystemExit):
        return RuntimeError(f"the function called sys.exit({error.code})").with_traceback(error.__traceback__)
    return error or KubeMLException("all functions have failed")


def main() -> None:
    given = task.Task.parse(sys.argv[1])
    distributed.init_process_group("ringtrain", timeout=_PATIENCE)
    try:
        Job(given, pathlib.Path(os.environ["RINGTRAIN_OUTPUT"])).run()
    except _Stopped:
        pass
    distributed.destroy_process_group()


if __name__ == "__main__":
    main()
