# SPDX-License-Identifier: Apache-2.0
"""Names in unnamed namespaces differ within each library that pip compiles: it takes several files at once, whose
unnamed namespaces are then one (RINGTRAIN_SCRIPTS_ONLY in cmake/CompileOptions.cmake)."""

import collections
import re

import rooms
from source_tree import Finding

TYPE = re.compile(r"(?:struct|class|enum class) (\w+)\b(?!::)")
ALIAS = re.compile(r"using (\w+) =")
OTHER = re.compile(r"(?!template|return|namespace|using|friend|static_assert)[A-Za-z_][\w:<>, *&\[\]]*?[ *&](\w+)"
                   r"(?:\[\w*\])? ?[({=]")


def check(tree):
    for folders in rooms.COMPILED_AT_ONCE:
        seen = collections.defaultdict(list)  # name: [(path, line, text)]
        for path in tree.of_kind("cpp"):
            if path.endswith(".cpp") and path.rpartition("/")[0] in folders:
                for line, name, text in local_names(tree.lines(path)):
                    seen[name].append((path, line, text))
        for name, places in seen.items():
            first = places[0]
            for path, line, text in places[1:]:
                if path != first[0] and not (ALIAS.match(text) and text == first[2]):
                    yield Finding("local-name", path, line, f"{name} is in an unnamed namespace of {first[0]}, too, and"
                                  " pip compiles both at once: rename one", name)


def local_names(lines):
    """[(line, name, its text)] of what unnamed namespaces define; formatted code has that in the first column."""
    inside = False
    for number, line in enumerate(lines, 1):
        if line == "namespace {":
            inside = True
        elif line.startswith("}  // namespace"):
            inside = False
        elif inside and (match := TYPE.match(line) or ALIAS.match(line) or OTHER.match(line)):
            yield number, match[1], line
