# SPDX-License-Identifier: Apache-2.0
"""Plain English in comments, help texts, messages and documents; names that say something."""

import posixpath
import re

import cpp
import scripts
from source_tree import Finding, is_test

OPENING = re.compile(r"\W*(Of|What|Who|Where|By|That)\b")

# A pattern, and the field's word for it.
PRIVATE_WORDS = tuple((re.compile(pattern, re.IGNORECASE), word) for pattern, word in (
    (r"\b(?:tell|tells|told|telling)\b", "report, state, show"),
    (r"\b(?:hear|hears|heard|hearing)\b", "receive, notice"),
    (r"\b(?:go|goes|going|went|gone)\s+on\b(?!\s+(?:the|a|an|its|each|top)\b)", "continue, resume"),
    (r"\b(?:come|comes|came)\s+to\s+(?:its|their|an)\s+end\b", "end, finish"),
    (r"\b(?:leap|leaps|leapt|leaped)\b(?!\s+(?:year|second))", "spike, jump"),
    (r"\b(?:befall|befalls|befell|befallen)\b", "happen to, interrupt"),
    (r"(?<![\w-])(?:quick|quicker|quickest|quickly)\b", "fast"),
))

BANNED_NAMES = {"manager", "helper", "helpers", "handler", "handlers", "data2", "utils", "util", "doit"}
# Names that libraries chose.
FOREIGN_NAMES = re.compile(r"sa_handler|error_handler_t|EventHandler")

PARSERS = {"cpp": cpp.parse, "python": scripts.parse_python}


def check(tree):
    for path in tree.of_kind("cpp", "python", "shell", "cmake", "yaml"):
        source = PARSERS.get(tree.kind(path), scripts.parse_lines)(tree.text(path))
        for line, comment in scripts.blocks(source.comments):
            yield from check_opening(path, line, comment)
            yield from check_private(path, line, comment)
        for literal in source.literals:
            if " " in literal.text.strip():
                if not is_test(path):
                    yield from check_literal(path, literal)
                yield from check_private(path, literal.line, literal.text)
    for path in tree.of_kind("markdown"):
        yield from check_private(path, 1, prose(tree.text(path)))
    yield from check_names(tree)


def check_opening(path, line, comment):
    match = OPENING.match(comment)
    if match:
        yield Finding("opening", path, line, f'a comment opens with "{match[1]}": begin with a subject or a verb')


def check_literal(path, literal):
    """Help texts, and descriptions in a JSON schema that is one literal."""
    for match in re.finditer(r'(?:^|"description": ")(Of|What|Who|Where|By|That) [\w-]+ ', literal.text):
        line = literal.line + literal.text.count("\n", 0, match.start())
        yield Finding("opening", path, line, f'a help text opens with "{match[1]}": begin with a subject or a verb')


def check_private(path, line, text):
    for pattern, word in PRIVATE_WORDS:
        for match in pattern.finditer(text):
            found = " ".join(match[0].split()).lower()
            yield Finding("word", path, line + text.count("\n", 0, match.start()), f'"{found}": say {word}', found)


def prose(markdown):
    """Blanks code blocks, code spans and addresses of a document; lines stay where they are."""
    text = re.sub(r"^```.*?^```", lambda m: cpp.blank(m[0]), markdown, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"^    .*$", lambda m: cpp.blank(m[0]), text, flags=re.MULTILINE)
    return re.sub(r"`[^`]*`|\]\([^)]*\)|https?://\S+", lambda m: cpp.blank(m[0]), text)


def words_of(name):
    """Words of a name in snake_case or CamelCase, in lower case."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+\d*|\d+", name)]


def check_names(tree):
    identifier = re.compile(r"\b[A-Za-z_]*(?:manager|helper|handler|data2|utils?|do_?it)[A-Za-z_]*\b", re.IGNORECASE)
    for path in tree.of_kind("cpp", "python", "shell"):
        for word in words_of(posixpath.splitext(posixpath.basename(path))[0]):
            if word in BANNED_NAMES:
                yield Finding("name", path, 1, f'the file is called "{word}": say what it does', word)
    for path in tree.of_kind("cpp"):
        for number, line in enumerate(cpp.parse(tree.text(path)).code.split("\n"), 1):
            for match in [] if line.startswith("#") else identifier.finditer(line):
                banned = match[0].lower() == "do_it" or BANNED_NAMES.intersection(words_of(match[0]))
                foreign = FOREIGN_NAMES.search(match[0]) or line[:match.start()].endswith(("::", "<"))
                if banned and not foreign:
                    yield Finding("name", path, number, f'"{match[0]}": say what it does', match[0])
