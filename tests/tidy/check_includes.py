# SPDX-License-Identifier: Apache-2.0
"""Includes: folders against the table of rooms, and headers that nobody needs."""

import collections
import functools
import posixpath
import re

import rooms
from source_tree import HEADER_SUFFIXES, Finding, is_test, unit

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')
TABLE = "tests/tidy/rooms.py"


def within(path, folder):
    return path == folder or path.startswith(folder + "/")


def room_of(path, table=rooms.ROOMS):
    """The room that a file lies in; None where the table has none."""
    return max((room for room in table if within(path, room.folder)), key=lambda room: len(room.folder), default=None)


def allowed(room, used, table=rooms.ROOMS):
    if room == used or any(within(used.folder, folder) for folder in room.uses):
        return True
    return room.uses == rooms.ALL_ABOVE and table.index(used) < table.index(room)


@functools.cache
def includes(tree):
    """[(file, line, included, True if the name is in quotes)]; names in quotes are resolved to files of the tree."""
    known = set(tree.files)
    found = []
    for path in tree.of_kind("cpp"):
        for number, line in enumerate(tree.lines(path), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            quoted, name = match[1] == '"', match[2]
            beside = posixpath.join(posixpath.dirname(path), name)
            if quoted and name not in known and beside in known:
                name = beside
            found.append((path, number, name, quoted))
    return found


def check(tree):
    yield from check_table()
    yield from check_directions(tree)
    yield from check_arrows(tree)
    yield from check_headers(tree)


def check_table(table=rooms.ROOMS):
    for index, room in enumerate(table):
        for folder in room.uses:
            if (folder,) == rooms.ALL_ABOVE:
                continue
            named = [at for at, other in enumerate(table) if within(other.folder, folder)]
            if not named:
                yield Finding("room", TABLE, 1, f"{room.folder}/ uses {folder}/, which has no row: add one")
            elif max(named) >= index:
                yield Finding("room", TABLE, 1, f"{room.folder}/ uses {folder}/, which is not above it: move one")


def check_directions(tree):
    for path in tree.of_kind("cpp"):
        if room_of(path) is None:
            yield Finding("room", path, 1, f"its folder has no row in {TABLE}: move the file or add one")
    for path, line, name, quoted in includes(tree):
        room = room_of(path)
        if not quoted:
            for library, pattern, folders in rooms.LIBRARIES:
                if re.match(pattern, name) and not any(within(path, folder) for folder in folders):
                    yield Finding("include", path, line,
                                  f"{library} may not be used here: only in {', '.join(folders)}", library)
            continue
        if not tree.exists(name):
            yield Finding("include", path, line, f"{name} is not a file of this tree: use <> or mend the path", name)
            continue
        used = room_of(name)
        if room and used and not allowed(room, used):
            yield Finding("include", path, line,
                          f"{room.folder}/ may not include {name}: move one of them, or turn the dependency round",
                          used.folder)


def arrows(tree):
    """{part: {(folder, included folder)}} among the folders of each part."""
    found = collections.defaultdict(set)
    for path, _, name, quoted in includes(tree):
        if not quoted:
            continue
        ends = posixpath.dirname(path), posixpath.dirname(name)
        part = path.split("/")[0]
        if name.split("/")[0] == part and ends[0] != ends[1]:
            found[part].add(ends)
    return found


def check_arrows(tree):
    found = arrows(tree)
    for part, most in rooms.MOST_ARROWS.items():
        if len(found[part]) > most:
            listed = ", ".join(f"{a} -> {b}" for a, b in sorted(found[part]))
            yield Finding("arrows", part, 1, f"{len(found[part])} arrows between its folders, at most {most}: {listed}")


def check_headers(tree):
    users = collections.defaultdict(set)
    for path, _, name, quoted in includes(tree):
        if quoted:
            users[name].add(path)
    for header in tree.of_kind("cpp"):
        if not header.endswith(HEADER_SUFFIXES):
            continue
        others = {user for user in users[header] if unit(user) != unit(header)}
        if not users[header]:
            yield Finding("header", header, 1, "nobody includes it: delete it")
        elif not others:
            yield Finding("header", header, 1, "only its own unit includes it: move its contents there")
        elif not is_test(header) and all(is_test(user) for user in others):
            yield Finding("header", header, 1, "only tests include it: use it, delete it or move it to tests/")
