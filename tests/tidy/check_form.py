# SPDX-License-Identifier: Apache-2.0
"""Form of a file: licence line, include guard, namespace, names of constants, columns, blanks."""

import re

import cpp
import rooms
from source_tree import HEADER_SUFFIXES, Finding

COLUMNS_CPP, COLUMNS = 100, 120
SPDX = re.compile(r"(?://|#) SPDX-License-Identifier: Apache-2\.0$")
CONSTANT_NAME = re.compile(r"k[A-Z0-9]\w*$")
FUNDAMENTAL = (r"(?:unsigned |signed )?(?:bool|char|short|int|long(?: long)?|float|double|unsigned|auto|"
               r"u?int\d+_t|u?intptr_t|s?size_t|ptrdiff_t|hsize_t|char ?\*(?: ?const)?|std::string(?:_view)?|"
               r"std::array|(?:std::chrono::)?(?:nano|micro|milli)?seconds|(?:std::chrono::)?(?:minutes|hours)|"
               r"std::filesystem::path)")
CONSTEXPR = re.compile(r"\bconstexpr\s+(?:static\s+)?(?:const\s+)?[\w:]+(?:\s*<[^;={}()]*>)?[\s*&]+"
                       r"(?:const\s+)?(\w+)\s*(?:\[[^\]]*\])?\s*([={(])")
CONST = re.compile(r"(?:inline |static )*const " + FUNDAMENTAL +
                   r"(?: ?<.*?>)?[ *&]+(?:const )?(\w+)(?:\[\w*\])? ?(?:[={(]|$)")


def check(tree):
    for path in tree.of_kind("cpp"):
        yield from check_cpp(path, tree.text(path))
    for path in tree.of_kind("cpp", "python", "shell", "cmake"):
        head = tree.lines(path)[:2]
        if not any(SPDX.match(line) for line in (head[1:] if head[0].startswith("#!") else head[:1])):
            yield Finding("spdx", path, 1, "no SPDX line at the top: add SPDX-License-Identifier: Apache-2.0")
    for path in tree.of_kind("cpp", "python", "shell", "cmake", "yaml", "markdown"):
        yield from check_lines(path, tree.kind(path), tree.text(path))


def check_cpp(path, text):
    source = cpp.parse(text)
    if path.endswith(HEADER_SUFFIXES) and not re.search(r"^#pragma once$", source.code, re.MULTILINE):
        yield Finding("pragma", path, 1, "no #pragma once: add it")
    for match in re.finditer(r"\bstd::size_t\b", source.code):
        yield Finding("size_t", path, source.line_of(match.start()), "std::size_t: write size_t")
    yield from check_namespace(path, source)
    for line, name in constants(source):
        if not CONSTANT_NAME.match(name):
            yield Finding("constant", path, line, f'the constant {name} is not called kName: rename it', name)


def check_namespace(path, source):
    part = path.split("/")[0]
    if part == "tests":
        return
    plain = part in rooms.PLAIN_NAMESPACE
    expected = "ringtrain" if plain else f"ringtrain::{part}"
    for match in re.finditer(r"^namespace (ringtrain[\w:]*) \{", source.code, re.MULTILINE):
        if match[1] != expected and (plain or not match[1].startswith(f"{expected}::")):
            yield Finding("namespace", path, source.line_of(match.start()),
                          f"namespace {match[1]} in {part}/: write {expected}")


def constants(source):
    """[(line, name)] of constexpr variables, and of const ones of a simple type in a namespace."""
    for match in CONSTEXPR.finditer(source.code):
        before = source.code[:match.start()].rstrip()
        is_function = match[2] == "(" and re.match(r"[^()]*(?:\([^()]*\)[^()]*)*\)[\w\s]*\{", source.code[match.end():])
        if not is_function and not re.search(r"(>|\boperator)$", before):
            yield source.line_of(match.start()), match[1]
    for declaration in source.declarations:
        if declaration.scope == "namespace" and declaration.ending == ";" and (match := CONST.match(declaration.text)):
            yield declaration.line, match[1]


def check_lines(path, kind, text):
    if text and not text.endswith("\n"):
        yield Finding("blanks", path, text.count("\n") + 1, "no newline at the end: add one")
    if text.endswith("\n\n"):
        yield Finding("blanks", path, text.count("\n"), "blank lines at the end: delete them")
    most = COLUMNS_CPP if kind == "cpp" else COLUMNS
    in_code = False
    for number, line in enumerate(text.split("\n"), 1):
        in_code ^= line.lstrip().startswith("```")
        if line != line.rstrip():
            yield Finding("blanks", path, number, "trailing blanks: delete them")
        if "\t" in line and kind in ("cpp", "python"):
            yield Finding("blanks", path, number, "a tab: use blanks")
        if len(line) > most and not may_be_long(kind, line, in_code):
            yield Finding("columns", path, number, f"{len(line)} columns, at most {most}: break the line")


def may_be_long(kind, line, in_code):
    """Tables, links and code blocks of documents; a line with an address that cannot be broken; data."""
    if kind == "markdown":
        return in_code or line.startswith(("|", "    ", "#", "[")) or re.search(r"\]\(|https?://", line)
    return kind == "yaml" or bool(re.search(r"https?://\S{60}", line))
