# SPDX-License-Identifier: Apache-2.0
"""Comments, literals and functions of Python, shell, CMake and YAML files."""

import ast
import functools
import io
import re
import tokenize
from typing import NamedTuple

from cpp import Function, Text


class Script(NamedTuple):
    comments: list
    literals: list
    functions: list


@functools.cache
def parse_python(text):
    comments, literals = [], []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT and not token.string.startswith("#!"):
            line, column = token.start
            alone = not token.line[:column].strip()
            comments.append(Text(line, column, token.string.lstrip("#").strip(), alone))
    tree = ast.parse(text)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {id(node.body[0].value): node for node in ast.walk(tree) if isinstance(node, documented)
                  and node.body and isinstance(node.body[0], ast.Expr)}
    functions = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            is_docstring = id(node) in docstrings
            text = Text(node.lineno, node.col_offset, node.value, alone=False)
            (comments if is_docstring else literals).append(text)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            functions.append(Function(node.name, node.lineno, node.end_lineno))
    return Script(comments, literals, functions)


@functools.cache
def parse_lines(text):
    """Comments of a language in which they run from # to the end of the line; a # inside quotes opens none."""
    comments = []
    for number, line in enumerate(text.split("\n"), 1):
        at = re.match(r"""((?:[^#"'\\]|\\.|"(?:\\.|[^"\\])*"|'[^']*'|(?<=\S)\#)*?)(?:^|(?<=\s))\#(?!!)""", line)
        if at:
            column = at.end() - 1
            comments.append(Text(number, column, line[column:].strip("# "), not line[:column].strip()))
    return Script(comments, [], [])


def blocks(comments):
    """Joins the lines of a comment: [(first line, text)]. Lines below each other in one column belong together."""
    joined = []
    last = None
    for comment in sorted(comments):
        runs_on = last and comment.alone and (comment.line, comment.column) == (last.line + 1, last.column)
        if runs_on and last.text and comment.text:
            joined[-1] = (joined[-1][0], joined[-1][1] + "\n" + comment.text)
        elif comment.text:
            joined.append((comment.line, comment.text))
        last = comment
    return joined
