#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The machine code of the CUDA kernels: no spilled registers, and 128-bit stores where memory is the limit.

  kernels_code_test.py CUOBJDUMP LIBRARY
"""
import os
import pathlib
import re
import subprocess
import sys
import unittest

CUOBJDUMP, LIBRARY = sys.argv[1:3]
# Kernels by part of their names, with the store that they must have. bf16 takes half the bits of the floats read.
STORES = {
    "pack_partsIfE": "STG.E.128",
    "pack_partsINS0_4bf16E": "STG.E.64",
    "update_allINS0_10SgdElementEJE": "STG.E.128",
    "update_allINS0_10SgdElementEJfE": "STG.E.128",
    "update_allINS0_12AdamwElementE": "STG.E.128",
    "update_allINS0_11LarsElementE": "STG.E.128",
    "sum_all": "STG.E.128",
}


def dump(option):
    tools = {**os.environ, "PATH": f"{pathlib.Path(CUOBJDUMP).parent}:{os.environ['PATH']}"}  # it calls nvdisasm
    return subprocess.run([CUOBJDUMP, option, LIBRARY], check=True, capture_output=True, text=True, env=tools).stdout


def by_function(text, head):
    parts = re.split(head, text)
    return dict(zip(parts[1::2], parts[2::2]))


class KernelsCode(unittest.TestCase):
    def test_keeps_all_values_in_registers(self):
        usage = by_function(dump("--dump-resource-usage"), r"Function (\w+):")
        self.assertGreaterEqual(len(usage), len(STORES))
        for name, text in usage.items():
            found = re.search(r"REG:(\d+) STACK:(\d+) .*?LOCAL:(\d+)", text)
            self.assertTrue(found, f"{name}: {text[:200]}")
            self.assertEqual((found[2], found[3]), ("0", "0"), f"{name} spills registers: {found[0]}")

    def test_stores_128_bits_at_a_time(self):
        code = by_function(dump("-sass"), r"Function : (\w+)")
        for part, store in STORES.items():
            functions = [name for name in code if part in name]
            self.assertTrue(functions, part)
            for name in functions:
                wide = re.findall(r"STG\.E[.\w]*", code[name])
                self.assertTrue(any(found.startswith(store) for found in wide), f"{name} has only {sorted(set(wide))}")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
