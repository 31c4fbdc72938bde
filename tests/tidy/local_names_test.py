#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The check of names in unnamed namespaces, on a small tree."""

import unittest

from tidy_test import LICENCE, Plot


def unnamed(*lines):
    return LICENCE + "namespace {\n\n" + "".join(f"{line}\n" for line in lines) + "\n}  // namespace\n"


class LocalNames(Plot):
    def setUp(self):
        super().setUp()
        self.plant({"base/first.cpp": unnamed("using T = int;", "constexpr int kOne = 1;", "int count(int a) {",
                                              "  return a;", "}")})

    def test_differ_where_pip_compiles_files_at_once(self):
        for line in ("int count() {", "struct kOne {", "constexpr long kOne = 2;", "using T = long;",
                     "std::vector<int> count(const std::string& text) {"):
            self.assertEqual(self.found({"base/terminal/second.cpp": unnamed(line, "};")}),
                             [("local-name", "base/terminal/second.cpp", 4)], line)

    def test_may_be_used_anywhere_else(self):
        text = unnamed("using T = int;", "int other(int a) {", "  return count(a) + kOne;", "}")
        self.assertEqual(self.found({"base/second.cpp": text, "job/second.cpp": unnamed("int count();")}), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
