#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The frame around the code: one version, links that lead somewhere, a line for PATH.

  frame_test.py [unittest arguments]
"""

import functools
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]*`")
PATH = re.compile(r"`([\w.-]+/[\w./-]+)`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


@functools.cache
def files():
    """Tracked files, and new ones that are not ignored."""
    names = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True,
                           capture_output=True, text=True).stdout.splitlines()
    return [name for name in names if (ROOT / name).is_file()]


def read(name):
    return (ROOT / name).read_text()


def pages():
    return [name for name in files() if name.endswith(".md")]


def anchors(name):
    """The headings of a page as GitHub makes them into anchors."""
    found = set()
    for heading in re.findall(r"^#+ +(.+?) *#*$", FENCE.sub("", read(name)), re.MULTILINE):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        found.add(re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-"))
    return found


class Version(unittest.TestCase):
    def test_every_file_that_names_the_version_names_that_of_the_VERSION_file(self):
        version = read("VERSION").strip()
        self.assertRegex(version, r"^\d+\.\d+\.\d+$")
        named = {
            "Dockerfile": r'image\.version="([^"]*)"',
            "mpijob/helm/ringtrain/Chart.yaml": r'(?m)^(?:version|appVersion): "?([0-9.]+)"?$',
            "CHANGELOG.md": r"\A# Changelog\s+## (\S+)",
        }
        for name, pattern in named.items():
            with self.subTest(name):
                self.assertEqual(set(re.findall(pattern, read(name))), {version})


class Links(unittest.TestCase):
    def test_every_link_between_pages_leads_to_a_file_and_a_heading(self):
        wrong = []
        for name in pages():
            for link in LINK.findall(CODE.sub("", FENCE.sub("", read(name)))):
                target, _, anchor = urllib.parse.unquote(link).partition("#")
                if re.match(r"[a-z]+:", target):
                    continue
                file = (ROOT / name).parent / target if target else ROOT / name
                if not file.exists():
                    wrong.append(f"{name}: {link}: no such file")
                elif anchor and anchor not in anchors(file.resolve().relative_to(ROOT)):
                    wrong.append(f"{name}: {link}: no such heading")
        self.assertEqual(wrong, [])

    def test_every_file_that_a_page_names_exists(self):
        known = set(files()) | {str(folder) for name in files() for folder in pathlib.Path(name).parents}
        tops = {name.split("/")[0] for name in files() if "/" in name}
        history = ("CHANGELOG.md", "docs/decisions/names.md")
        wrong = [f"{name}: {path}" for name in pages() if name not in history
                 for path in PATH.findall(FENCE.sub("", read(name)))
                 if path.split("/")[0] in tops and path.rstrip("/") not in known]
        self.assertEqual(wrong, [])

    def test_every_page_that_a_script_or_a_source_names_exists(self):
        wrong = []
        for name in files():
            if not name.endswith((".md", ".json", ".sum")) and name != "tests/tidy/frame_test.py":
                try:
                    text = read(name)
                except UnicodeDecodeError:
                    continue
                wrong += [f"{name}: {page}" for page in re.findall(r"\bdocs/[\w./-]+\.md\b", text)
                          if not (ROOT / page).exists()]
        self.assertEqual(wrong, [])


class OnPath(unittest.TestCase):
    """scripts/install/on-path, with which quickstart ends."""

    def said(self, path):
        environment = {"HOME": str(self.home), "PATH": f"{path}:/usr/bin:/bin"}
        return subprocess.run([ROOT / "scripts/install/on-path", self.program], check=True, capture_output=True,
                              text=True, env=environment).stdout

    def setUp(self):
        self.home = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.home)
        self.program = self.home / "a build" / "some-tool"
        self.program.parent.mkdir()
        self.program.write_text("#!/bin/sh\n")
        self.program.chmod(0o755)

    def test_says_which_line_a_shell_needs(self):
        line = self.said("/nowhere").splitlines()[1].strip()
        found = subprocess.run(["bash", "-c", f"{line}; command -v some-tool"], check=True, capture_output=True,
                               text=True, env={"PATH": "/usr/bin:/bin"}).stdout
        self.assertEqual(found.strip(), str(self.program))

    def test_proposes_a_link_where_that_suffices_and_then_nothing(self):
        line = self.said(self.home / ".local/bin").splitlines()[1].strip()
        self.assertIn("ln -sf", line)
        subprocess.run(["bash", "-c", line], check=True, env={"HOME": str(self.home), "PATH": "/usr/bin:/bin"})
        self.assertEqual(self.said(self.home / ".local/bin"), "")


if __name__ == "__main__":
    unittest.main()
