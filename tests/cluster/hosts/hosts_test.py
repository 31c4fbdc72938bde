#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`ringtrain run` over several hosts.

  hosts_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import case


class SeveralHosts(case.HostsTest):
    def test_train_as_one_does(self):
        steps = ("--set", "max_steps=50")
        alone = self.run_job(1, "max_steps=50")
        runs = {
            "two": (self.run_on(self.write_hostfile(node1=1, node2=1), *steps), ["node1", "node2"]),
            "three": (self.run_on(self.write_hostfile(node1=1, node2=1, node3=1), *steps),
                      ["node1", "node2", "node3"]),
            "from one of them": (self.run_on(self.write_hostfile(node1=1, node2=1), *steps, at="node1"),
                                 ["node1", "node2"]),
            "first slots": (self.run_on(self.write_hostfile(node2=2, node1=2), *steps, "-n", 3),
                            ["node2", "node2", "node1"]),
        }
        for name, (result, hosts) in runs.items():
            with self.subTest(name):
                self.assertEqual([rank["host"] for rank in result["placement"]], hosts)
                for key in ("order_hash", "steps", "samples_seen"):
                    self.assertEqual(result[key], alone[key])
                difference = abs(result["train_loss"] - alone["train_loss"])
                self.assertLessEqual(difference, 1e-5 * alone["train_loss"])


if __name__ == "__main__":
    case.main()
