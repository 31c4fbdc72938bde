#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Scripts of torch.distributed over several hosts by `ringtrain run`: DDP, and collectives of every kind.

  torch_hosts_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]

Runs by tests/python/with_torch, whose environment reaches the ranks on other hosts by a file.
"""

import os
import sys

import script_hosts_test
from script_hosts_test import case, run_case, script_case

SCRIPT = """
import hashlib, sys
import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

distributed.init_process_group()
rank, size = distributed.get_rank(), distributed.get_world_size()
assert distributed.get_backend() == "ringtrain"

whole = torch.empty(3 * size)
distributed.all_gather_into_tensor(whole, torch.full((3,), float(rank)))
assert whole.tolist() == [float(r) for r in range(size) for _ in range(3)]
mine = torch.empty(3)
distributed.reduce_scatter_tensor(mine, whole)
assert mine.tolist() == [float(size * rank)] * 3
mine.fill_(rank)
distributed.broadcast(mine, src=size - 1)
assert mine.tolist() == [size - 1] * 3

torch.manual_seed(7)
model = DistributedDataParallel(nn.Sequential(nn.Linear(64, 300), nn.ReLU(), nn.Linear(300, 10)))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
for step in range(5):
    torch.manual_seed(1000 * step + rank)
    optimizer.zero_grad()
    nn.functional.cross_entropy(model(torch.randn(6, 64)), torch.randint(0, 10, (6,))).backward()
    optimizer.step()
distributed.barrier()
bits = hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in model.parameters())).hexdigest()
all_bits = [None] * size
distributed.all_gather_object(all_bits, bits)
assert set(all_bits) == {bits}, all_bits
if rank == 0:
    print(f"bits {bits} of {size} ranks", flush=True)
distributed.destroy_process_group()
"""


class TorchOnSeveralHosts(script_hosts_test.OnHosts):
    NODES = 3

    def setUp(self):
        super().setUp()
        python = self.folder / "python"
        names = ("PYTHONPATH", "LD_LIBRARY_PATH", "OMP_NUM_THREADS", "PYTHONPYCACHEPREFIX")
        exports = "".join(f"export {name}='{os.environ[name]}'\n" for name in names)
        python.write_text(f"#!/bin/sh\n{exports}exec '{sys.executable}' \"$@\"\n")
        python.chmod(0o755)
        self.python = python

    def train(self, hosts):
        """The line that rank 0 prints; the launcher's own lines must say how the group is connected."""
        self.hostfile.write_text("".join(f"node{i + 1} slots=2\n" for i in range(hosts)))
        script, _ = self.write_script(SCRIPT, preamble="")
        done = self.bed.call("login", self.command("--hostfile", self.hostfile, "--nproc-per-node", 2, "--python",
                                                   self.python, script), timeout=script_case.DEADLINE)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout + done.stderr,
                         rf"the {2 * hosts} ranks of group \S+ are on {hosts} nodes; this group uses shared memory in"
                         " each node and Gloo between them")
        [line] = [line for line in done.stdout.splitlines() if line.startswith("bits ")]
        self.assertIn(f" of {2 * hosts} ranks", line)
        return line

    def test_two_hosts_have_the_same_bits_twice(self):
        self.assertEqual(self.train(2), self.train(2))

    def test_three_hosts_have_the_same_bits_twice(self):
        self.assertEqual(self.train(3), self.train(3))


if __name__ == "__main__":
    if reason := case.bed.why_not():
        print(f"skipped: {reason}")
        sys.exit(77)
    run_case.main()
