# SPDX-License-Identifier: Apache-2.0
"""The map in CONTRIBUTING.md, a README.md in each folder at the top, and the last full run of the tests."""

import json

import rooms
from check_includes import within
from source_tree import Finding, git

MAP_FILE = "CONTRIBUTING.md"
MAP_BEGIN = "<!-- The map, from tests/tidy/rooms.py by tests/tidy/tidy.py --write-map -->"
MAP_END = "<!-- End of the map -->"
LAST_FULL_RUN = "tests/last-full-run.json"
MOST_COMMITS_BEHIND = 60


def check(tree):
    yield from check_map(tree)
    yield from check_readmes(tree)
    yield from check_full_run(tree)


def house_map(tree):
    """A table of the rooms that have files, in the order in which each may use only rooms above it."""
    def is_there(folder):
        return any(within(path, folder) for path in tree.files)

    lines = ["| folder | what is in it | may use |", "|---|---|---|"]
    for room in filter(lambda room: is_there(room.folder), rooms.ROOMS):
        part = room.folder.split("/")[0] + "/"  # left out of the names of rooms of the same part
        uses = [folder.removeprefix(part) for folder in room.uses if is_there(folder) or room.uses == rooms.ALL_ABOVE]
        lines.append(f"| `{room.folder}/` | {room.contents} | {', '.join(uses)} |")
    return "\n".join(lines)


def with_map(tree):
    """The text of CONTRIBUTING.md with the map of today; None where it has no markers."""
    text = tree.text(MAP_FILE) if tree.exists(MAP_FILE) else ""
    before, begin, rest = text.partition(MAP_BEGIN + "\n")
    _, end, after = rest.partition(MAP_END)
    return before + begin + house_map(tree) + "\n" + end + after if end else None


def check_map(tree):
    wanted = with_map(tree)
    if wanted is None:
        yield Finding("map", MAP_FILE, 1, f"no map: put '{MAP_BEGIN}' and '{MAP_END}' where it belongs")
    elif wanted != tree.text(MAP_FILE):
        yield Finding("map", MAP_FILE, 1, "the map is not what rooms.py says: run tests/tidy/tidy.py --write-map")


def check_readmes(tree):
    for folder in sorted({path.split("/")[0] for path in tree.files if "/" in path}):
        readme = f"{folder}/README.md"
        if folder.startswith("."):
            continue
        text = tree.text(readme) if tree.exists(readme) else ""
        if not [line for line in text.split("\n") if line.strip() and not line.startswith("#")]:
            yield Finding("readme", folder, 1, "no README.md with a paragraph about the folder: write one")


def check_full_run(tree):
    """The file has "commit" (of the run) and "failed" (names of tests)."""
    if not tree.exists(LAST_FULL_RUN):
        yield Finding("full-run", LAST_FULL_RUN, 1, "missing: run scripts/test whole and commit what it writes")
        return
    try:
        run = json.loads(tree.text(LAST_FULL_RUN))
        commit, failed = run["commit"], run["failed"]
    except (ValueError, KeyError, TypeError) as error:
        yield Finding("full-run", LAST_FULL_RUN, 1, f"unreadable ({error!r}): run scripts/test whole")
        return
    for name in failed:
        yield Finding("full-run", LAST_FULL_RUN, 1, f"{name} failed: mend it and run scripts/test whole", str(name))
    if git(tree.root, "rev-parse", "--is-shallow-repository").strip() == "true":
        return
    try:
        behind = int(git(tree.root, "rev-list", "--count", f"{commit}..HEAD"))
    except RuntimeError:
        yield Finding("full-run", LAST_FULL_RUN, 1, f"commit {commit} is not known here: run scripts/test whole")
        return
    if behind >= MOST_COMMITS_BEHIND:
        yield Finding("full-run", LAST_FULL_RUN, 1,
                      f"{behind} commits ago, fewer than {MOST_COMMITS_BEHIND} wanted: run scripts/test whole")
