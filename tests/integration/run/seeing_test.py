#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Traces and flight records.

  seeing_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import json
import os
import pathlib
import signal
import subprocess
import threading

import run_case
from run_case import DEADLINE, command_line_of, processes_with, RunTest


class Seeing(RunTest):
    def test_a_trace_of_every_rank_in_one_file(self):
        for backend in ("auto", "mpi"):
            with self.subTest(backend):
                output = f"{self.output}-{backend}"
                self.run_job(2, "trace=true", "max_steps=20", f"communication.backend={backend}",
                             f"output={output}")
                trace = json.loads(pathlib.Path(output, "trace.json").read_text())
                self.check_trace(trace["traceEvents"], backend)

    def check_trace(self, events, backend):
        for rank in (0, 1):
            own = [event for event in events if event["pid"] == rank and event["ph"] == "X"]
            count = {}
            for event in own:
                count[event["name"]] = count.get(event["name"], 0) + 1
            for name in ("forward", "backward", "optimizer", "step"):
                self.assertEqual(count.get(name), 20, count)
            self.assertGreaterEqual(count.get("data wait", 0), 20, count)
            self.assertEqual(count.get("evaluation"), 1, count)
            if backend == "mpi":
                self.assertGreaterEqual(count.get("reduce_scatter", 0), 20, count)
                self.assertGreaterEqual(count.get("wait", 0), 20, count)
            for track in (0, 1):
                self.check_nesting([event for event in own if event["tid"] == track])

    def check_nesting(self, spans):
        """Any two spans of a thread lie one in the other, or apart."""
        ends = []
        for span in sorted(spans, key=lambda one: (one["ts"], -one["dur"])):
            end = span["ts"] + span["dur"]
            while ends and ends[-1] <= span["ts"] + 0.002:  # printed to a nanosecond
                ends.pop()
            if ends:
                self.assertLessEqual(end, ends[-1] + 0.002, span)
            ends.append(end)

    def test_a_stopped_rank_leaves_flight_records_behind(self):
        job = self.write_job(epochs=1000000, evaluate_every_epochs=0,
                             communication={"timeout_seconds": 2}, restarts=0, trace=True)
        root = ["--allow-run-as-root"] if os.geteuid() == 0 else []
        ranks = subprocess.Popen(["mpirun", *root, "--oversubscribe", "--bind-to", "none", "-np", "2",
                                  run_case.WORKER, job],
                                 text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        give_up = threading.Timer(DEADLINE, ranks.kill)
        give_up.start()
        self.addCleanup(give_up.cancel)
        self.addCleanup(ranks.stderr.close)
        said = []
        for line in ranks.stderr:
            said.append(line)
            if "train loss" in line:
                break
        workers = [process for process in processes_with(str(job))
                   if command_line_of(process).startswith(str(run_case.WORKER))]
        stopped = next(process for process in workers if b"OMPI_COMM_WORLD_RANK=1\0" in
                       pathlib.Path(f"/proc/{process}/environ").read_bytes())
        os.kill(stopped, signal.SIGSTOP)
        said += ranks.stderr.readlines()
        self.assertNotEqual(ranks.wait(timeout=15), 0)
        self.assertIn("flight-0.json", "".join(said))
        record = json.loads((self.output / "flight-0.json").read_text())
        self.assertEqual(record["calls"][-1]["state"], "failed")
        trace = json.loads((self.output / "trace-0.json").read_text())
        self.check_nesting([event for event in trace["traceEvents"] if event["ph"] == "X"])


if __name__ == "__main__":
    run_case.main()
