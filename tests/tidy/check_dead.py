# SPDX-License-Identifier: Apache-2.0
"""Functions that headers offer and nobody outside their unit calls, but tests."""

import collections
import re

import cpp
from source_tree import HEADER_SUFFIXES, Finding, is_test, unit

IDENTIFIER = re.compile(r"\b[A-Za-z_]\w*\b")
# Called by the language or by templates of libraries.
CALLED_UNSEEN = {"main", "begin", "end", "size", "swap", "hash", "to_json", "from_json", "format", "parse"}
NO_FUNCTION = re.compile(r"(?:using|typedef|friend|static_assert|template class|extern template|constexpr \w+ \w+\()\b")


def check(tree):
    users = collections.defaultdict(set)  # name: files that use it
    for path in tree.of_kind("cpp"):
        for name in used_names(cpp.parse(tree.text(path))):
            users[name].add(path)
    for path in tree.of_kind("cpp"):
        if path.endswith(HEADER_SUFFIXES) and not is_test(path):
            yield from check_header(path, cpp.parse(tree.text(path)), users)


def used_names(source):
    """Names that occur otherwise than in the declaration or the definition of a function."""
    counts = collections.Counter(IDENTIFIER.findall(source.code))
    counts.subtract(function.name.split("::")[-1] for function in source.functions)
    counts.subtract(offered(declaration) for declaration in source.declarations if declaration.ending == ";")
    return [name for name, count in counts.items() if count > 0]


def check_header(path, source, all_users):
    names = {}
    for declaration in source.declarations:
        names.setdefault(offered(declaration), declaration.line)
    for name, line in names.items():
        users = all_users[name] if name else {path}
        in_tests = {user for user in users if is_test(user)}
        if any(unit(user) != unit(path) for user in users - in_tests) or path in users:
            continue
        if users == in_tests:
            callers = "tests alone call" if in_tests else "nobody calls"
            yield Finding("dead", path, line, f"{callers} {name}(): use it or delete it", name)
        elif not in_tests:
            yield Finding("dead", path, line, f"only its own unit calls {name}(): take it out of the header", name)


def offered(declaration):
    """Name of the function that a declaration offers to others; "" where it offers none."""
    text = declaration.text
    if declaration.access != "public" or NO_FUNCTION.match(text) or "override" in text:
        return ""
    name = cpp.function_name(text).split("::")[-1]
    before = cpp.without_templates(text).split(name + "(")[0] if name else ""
    type_before = re.sub(r"\b(?:explicit|constexpr|inline)\b", "", before).strip()
    is_constructor = declaration.scope == "class" and not type_before
    if not name or is_constructor or "=" in before or name.startswith(("~", "operator")) or name in CALLED_UNSEEN:
        return ""
    return name
