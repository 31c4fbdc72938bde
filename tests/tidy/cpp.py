# SPDX-License-Identifier: Apache-2.0
"""C++ as far as the checks need it: comments, literals, functions and declarations.

No parser: it relies on code that compiles and is formatted. Templates, attributes and initialisers are understood as
far as this project uses them.
"""

import bisect
import functools
import re
from typing import NamedTuple

TOKEN = re.compile(
    r"""(?P<line>//[^\n]*)
      | (?P<block>/\*.*?\*/)
      | (?P<raw>\bR"(?P<mark>[^()\s\\]{0,16})\(.*?\)(?P=mark)")
      | (?P<string>"(?:\\.|[^"\\\n])*")
      | (?P<number>\b\d[\w.]*(?:'[\w.]+)+)
      | (?P<character>'(?:\\.|[^'\\\n])+')""",
    re.VERBOSE | re.DOTALL)


class Text(NamedTuple):
    """A comment or a literal: its line, its column and the text without delimiters."""

    line: int
    column: int
    text: str
    alone: bool = True  # nothing stands before it on its line


class Function(NamedTuple):
    name: str
    first: int
    last: int


class Declaration(NamedTuple):
    """The text between two borders (; { }) of a namespace or class, without comments and literals."""

    line: int
    scope: str  # "namespace" or "class"
    access: str
    text: str
    ending: str  # ";" or "{"


class Source:
    """A C++ file taken apart."""

    def __init__(self, text):
        self._starts = [0] + [at.end() for at in re.finditer("\n", text)]
        self.comments, self.literals = [], []
        self.code = TOKEN.sub(self._blank, text)  # comments and insides of literals are blank
        self.functions, self.declarations = [], []
        plain = re.sub(r"^[ \t]*#(?:[^\n\\]|\\\n|\\.)*", lambda m: blank(m[0]), self.code, flags=re.MULTILINE)
        _Scan(self, plain).scope(0, len(plain), "namespace", "public")

    def line_of(self, offset):
        return bisect.bisect_right(self._starts, offset)

    def _blank(self, match):
        text = match[0]
        line = self.line_of(match.start())
        column = match.start() - self._starts[line - 1]
        if match["line"] or match["block"]:
            alone = not match.string[self._starts[line - 1]:match.start()].strip()
            inside = text[2:] if match["line"] else text[2:-2]
            self.comments.append(Text(line, column, inside.strip(), alone))
            return blank(text)
        if match["raw"]:
            opening = text.index("(") + 1
            self.literals.append(Text(line, column, text[opening:text.rindex(")")]))
            return '""' + blank(text[2:])
        if match["string"]:
            self.literals.append(Text(line, column, text[1:-1]))
            return '"' + " " * (len(text) - 2) + '"'
        return text if match["number"] else "'" + " " * (len(text) - 2) + "'"


@functools.cache
def parse(text):
    return Source(text)


def blank(text):
    return re.sub(r"[^\n]", " ", text)


# Words before a parenthesis that name no function.
NOT_NAMES = {"__attribute__", "__launch_bounds__", "alignas", "auto", "bool", "catch", "constexpr", "decltype",
             "explicit", "for", "if", "int", "noexcept", "requires", "return", "sizeof", "static_assert", "switch",
             "void", "while"}
ACCESS = re.compile(r"\b(public|protected|private)\s*:(?!:)")
CONSTRUCTOR_LIST = re.compile(r"\)\s*(?:noexcept\s*)?:(?!:)")


def without_templates(text):
    """Takes out what stands between angle brackets; a shift or a comparison ends it."""
    text = re.sub(r"\boperator\s*(?:<=>|<<=?|>>=?|<=?|>=?|->\*?)", "operator@", text)
    before = None
    while before != text:
        before, text = text, re.sub(r"<[^<>]*>", "", text)
    return text


def function_name(declaration):
    """Name before the first argument list, "" where there is none. Tests are called as Suite.Name."""
    text = without_templates(declaration)
    test = re.match(r"\s*(?:TEST|TEST_F|TEST_P|TYPED_TEST)\s*\(\s*(\w+)\s*,\s*(\w+)", text)
    if test:
        return f"{test[1]}.{test[2]}"
    operator = re.search(r"\boperator\s*(\(\)|[^\s\w(]+|\w[\w\s*&:]*?)\s*\(", text)
    if operator:
        return "operator" + operator[1]
    for name in re.findall(r"([~\w:]*\w)\s*\(", text):
        if name not in NOT_NAMES and not name.startswith("::"):
            return name
    return ""


class _Scan:
    def __init__(self, source, plain):
        self._source, self._plain = source, plain
        self._ends = {}
        for opening, closing in ("{}", "()"):
            stack = []
            for at in re.finditer(rf"[{re.escape(opening + closing)}]", plain):
                if at[0] == opening:
                    stack.append(at.start())
                elif stack:
                    self._ends[stack.pop()] = at.start()

    def scope(self, start, end, kind, access):
        border = re.compile(r"[;{(]")
        at = head = start
        while match := border.search(self._plain, at, end):
            place = match.start()
            at = self._ends.get(place, place) + 1
            if match[0] == "(":
                continue
            for label in ACCESS.finditer(self._plain, head, place):
                access, head = label[1], label.end()
            if match[0] == ";":
                self._declare(head, place, kind, access, ";")
                head = at
            elif self._block(head, place, kind, access):
                head = at

    def _first_line(self, head, place):
        text = self._plain[head:place]
        return self._source.line_of(head + len(text) - len(text.lstrip()))

    def _declare(self, head, place, kind, access, ending):
        text = " ".join(self._plain[head:place].split("{")[0].split())
        if text:
            declaration = Declaration(self._first_line(head, place), kind, access, text, ending)
            self._source.declarations.append(declaration)

    def _block(self, head, place, kind, access):
        """Reads the block that opens at `place`; false where it is a part of a declaration that runs on after it."""
        end = self._ends.get(place, len(self._plain))
        text = without_templates(self._plain[head:place]).strip()
        if not text or re.match(r"(?:inline\s+)?namespace\b|extern\s*\"[^\"]*\"$", text):
            self.scope(place + 1, end, "namespace", "public")
            return True
        if re.match(r"(?:typedef\s+)?enum\b", text):
            return True
        opening = re.match(r"(?:template\s*|typedef\s+|static\s+|const\s+)*(class|struct|union)\b", text)
        if opening and not text.endswith(")"):
            self.scope(place + 1, end, "class", "private" if opening[1] == "class" else "public")
            return True
        name = self._function(text)
        if name:
            self._declare(head, place, kind, access, "{")
            first = self._first_line(head, place)
            self._source.functions.append(Function(name, first, self._source.line_of(end)))
        return bool(name)

    @staticmethod
    def _function(text):
        """Name of the function, or of the variable whose value is a lambda, that a block belongs to."""
        if CONSTRUCTOR_LIST.search(text) and re.search(r"\w$", text):
            return ""  # a member's initialiser
        variable = re.search(r"(\w+)\s*=(?!=)", re.sub(r"\([^()]*\)", "", text))
        if variable and "operator" not in text:
            return variable[1] if re.search(r"=\s*\[", text) else ""
        return function_name(text)
