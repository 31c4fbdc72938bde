#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each check finds what is planted in a small tree, and nothing in the tree without it."""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import unittest.mock

import check_documents
import check_includes
import cpp
import exceptions
import rooms
import scripts
import tidy
from source_tree import Finding, Tree, git

LICENCE = "// SPDX-License-Identifier: Apache-2.0\n"
HEADER = LICENCE + "#pragma once\n"
SCRIPT = "#!/usr/bin/env python3\n# SPDX-License-Identifier: Apache-2.0\n"

CLEAN = {
    "base/file.hpp": HEADER + "// Returns the contents of a file.\nstd::string read_file(const std::string& path);\n",
    "base/file.cpp": LICENCE + '#include "base/file.hpp"\n\nconstexpr int kMost = 1\'000;\n\n'
                     "std::string read_file(const std::string& path) { return path; }\n",
    "job/parse.cpp": LICENCE + '#include "base/file.hpp"\n\n// Reads what a user wrote.\n'
                     'void parse_job() { read_file("a // b"); }\n',
    "tests/unit/base/file_test.cpp": LICENCE + '#include "base/file.hpp"\n\nTEST(File, IsRead) { read_file(""); }\n',
    "tests/tidy/exceptions.txt": "",
    "scripts/count": SCRIPT + '"""Counts."""\n',
    "base/README.md": "# base\n\nThe ground floor.\n",
    "job/README.md": "# job\n\nThe job file.\n",
    "scripts/README.md": "# scripts\n\nPrograms for developers.\n",
    "tests/README.md": "# tests\n\nTests. `goes on` may be quoted.\n",
    "CONTRIBUTING.md": f"# Working here\n\n{check_documents.MAP_BEGIN}\n{check_documents.MAP_END}\n",
}


def plant(root, files):
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def commit(root):
    git(root, "-c", "user.name=test", "-c", "user.email=test@localhost", "commit", "--quiet", "--all", "--allow-empty",
        "--message", "A step.")


def head(root):
    return git(root, "rev-parse", "HEAD").strip()


def full_run(commit, failed=()):
    return json.dumps({"commit": commit, "failed": failed}) + "\n"


class Plot(unittest.TestCase):
    """A git repository in a temporary folder."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.clean = pathlib.Path(folder.name)
        git(cls.clean, "init", "--quiet")
        plant(cls.clean, CLEAN)
        git(cls.clean, "add", "--all")
        plant(cls.clean, {"CONTRIBUTING.md": check_documents.with_map(Tree(cls.clean))})
        commit(cls.clean)
        plant(cls.clean, {check_documents.LAST_FULL_RUN: full_run(head(cls.clean))})

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        shutil.copytree(self.clean, self.root, dirs_exist_ok=True)

    def plant(self, files):
        plant(self.root, files)

    def found(self, files=()):
        """[(check, path, line)] after the files were planted."""
        self.plant(dict(files))
        git(self.root, "add", "--all")
        return [(finding.check, finding.path, finding.line) for finding in tidy.run(Tree(self.root))]


class CheckTest(Plot):
    def expect(self, check, path, text, line=1):
        self.assertEqual(self.found({path: text}), [(check, path, line)])

    def append(self, path, text):
        return CLEAN[path] + text

    def test_a_clean_tree_has_no_findings(self):
        self.assertEqual(self.found(), [])

    def test_a_folder_may_include_only_what_the_table_says(self):
        text = LICENCE + '#include "base/file.hpp"\n#include "job/parse.hpp"\n'
        self.plant({"job/parse.hpp": HEADER, "job/keys.cpp": LICENCE + '#include "job/parse.hpp"\n'})
        self.expect("include", "base/lines.cpp", text, 3)

    def test_a_library_is_included_only_in_its_folders(self):
        self.expect("include", "job/mpi.cpp", LICENCE + "#include <mpi.h>\n", 2)

    def test_an_included_file_must_exist(self):
        self.expect("include", "job/keys.cpp", LICENCE + '#include "job/nothing.hpp"\n', 2)

    def test_every_folder_of_code_has_a_row(self):
        self.plant({"attic/README.md": "The attic.\n"})
        self.expect("room", "attic/box.cpp", LICENCE)

    def test_arrows_between_the_folders_of_a_part_are_counted(self):
        names = ("format", "reading", "writing", "importers", "importers/arrays", "tools")
        files = {"datasets/README.md": "Datasets.\n", "job/all.cpp": LICENCE}
        for name in names:
            files[f"datasets/{name}/face.hpp"] = HEADER
            files["job/all.cpp"] += f'#include "datasets/{name}/face.hpp"\n'
            files[f"datasets/{name}/face.cpp"] = LICENCE + "".join(
                f'#include "datasets/{used}/face.hpp"\n' for used in names[:names.index(name)])
        self.assertIn(("arrows", "datasets", 1), self.found(files))

    def test_a_header_that_nobody_includes_is_found(self):
        self.expect("header", "base/unused.hpp", HEADER)

    def test_a_header_that_only_tests_include_is_found(self):
        self.plant({"tests/unit/base/text_test.cpp": LICENCE + '#include "base/text.hpp"\n'})
        self.expect("header", "base/text.hpp", HEADER)

    def test_a_function_that_only_tests_call_is_found(self):
        self.plant({"tests/unit/base/more_test.cpp": LICENCE + "TEST(File, IsHashed) { hash_file(); }\n"})
        self.expect("dead", "base/file.hpp", self.append("base/file.hpp", "void hash_file();\n"), 5)

    def test_a_function_called_in_its_own_unit_alone_is_found(self):
        self.plant({"base/file.cpp": self.append("base/file.cpp", "void f() { hash_file(); }\n")})
        self.expect("dead", "base/file.hpp", self.append("base/file.hpp", "void hash_file();\n"), 5)

    def test_long_files_are_found(self):
        self.expect("file-length", "scripts/long.py", SCRIPT + "x = 1\n" * 299)

    def test_long_functions_are_found(self):
        body = "  f(R\"(})\");  // }\n" * 69
        text = LICENCE + "namespace a {\nA::A(int b)\n    : b_{b},\n      c_(b) {\n" + body + "}\n}\n"
        self.expect("function-length", "base/long.cpp", text, 3)

    def test_long_python_functions_are_found(self):
        self.expect("function-length", "scripts/long.py", SCRIPT + "def f():\n" + "    x = 1\n" * 70, 3)

    def test_full_folders_are_found(self):
        files = {f"scripts/a{number}.py": SCRIPT for number in range(22)}
        self.assertEqual(self.found(files), [("folder", "scripts", 1)])

    def test_openings_of_comments_are_found(self):
        self.expect("opening", "base/a.cpp", LICENCE + "\nint f();  // Of the first.\n", 3)
        self.plant({"base/a.cpp": LICENCE + "\n// The lines of\n// Of a name.\n"})
        self.expect("opening", "scripts/a.py", SCRIPT + '"""What it does."""\n', 3)

    def test_openings_of_help_texts_are_found(self):
        self.expect("opening", "base/a.cpp", LICENCE + 'const char* kHelp = "Where rows are stored";\n', 2)

    def test_private_words_are_found_across_lines(self):
        self.expect("word", "base/a.cpp", LICENCE + "// The run goes\n// on after it.\n", 2)

    def test_private_words_are_found_in_messages_and_documents(self):
        self.expect("word", "base/a.cpp", LICENCE + 'const char* kText = "the loss leapt to";\n', 2)
        self.plant({"base/a.cpp": LICENCE})
        self.expect("word", "base/README.md", "# base\n\n`tell` and what is told.\n", 3)

    def test_names_that_say_nothing_are_found(self):
        self.expect("name", "base/a.cpp", LICENCE + "class FileManager;\nint sa_handler;\n", 2)
        self.plant({"base/a.cpp": LICENCE})
        self.expect("name", "base/utils.cpp", LICENCE)

    def test_constants_are_called_k_name(self):
        self.expect("constant", "base/a.cpp", LICENCE + "const std::string word = \"a\";\n", 2)
        self.expect("constant", "base/a.cpp", LICENCE + "void f() {\n  constexpr int most = 3;\n}\n", 3)
        self.plant({"base/a.cpp": LICENCE + "constexpr int three(int a) { return a; }\n"})
        self.assertEqual(self.found(), [])

    def test_a_namespace_follows_the_top_folder(self):
        self.expect("namespace", "base/a.cpp", LICENCE + "\nnamespace ringtrain::base {\n}\n", 3)
        self.expect("namespace", "base/a.cpp", LICENCE + "\nnamespace ringtrain::net {\n}\n", 3)

    def test_std_size_t_is_found(self):
        self.expect("size_t", "base/a.cpp", LICENCE + "std::size_t f();\n", 2)

    def test_guards_and_licences_are_wanted(self):
        self.plant({"job/b.cpp": LICENCE + '#include "base/b.hpp"\n'})
        self.expect("pragma", "base/b.hpp", LICENCE)
        self.plant({"base/b.hpp": HEADER})
        self.expect("spdx", "scripts/a.py", "#!/usr/bin/env python3\n")

    def test_blanks_and_long_lines_are_found(self):
        self.expect("blanks", "base/a.cpp", LICENCE + "int f(); \n", 2)
        self.plant({"base/a.cpp": LICENCE})
        self.expect("columns", "base/README.md", "Text.\n" + "| a" * 60 + "\n" + "a " * 61 + "a\n", 3)

    def test_an_outdated_map_is_found_and_rewritten(self):
        self.assertEqual(self.found({"net/README.md": "The net.\n"}), [("map", "CONTRIBUTING.md", 1)])
        self.assertEqual(tidy.main(["--root", str(self.root), "--write-map"]), 0)
        self.assertEqual(self.found(), [])

    def test_a_folder_without_a_paragraph_is_found(self):
        self.assertEqual(self.found({"base/README.md": "# base\n"}), [("readme", "base", 1)])

    def test_the_last_full_run_must_be_whole_and_recent(self):
        path = check_documents.LAST_FULL_RUN
        self.expect("full-run", path, full_run(head(self.root), ["file_test"]))
        self.expect("full-run", path, full_run("0" * 40))
        self.expect("full-run", path, "{}\n")
        self.plant({path: full_run(head(self.root))})
        with unittest.mock.patch.object(check_documents, "MOST_COMMITS_BEHIND", 2):
            commit(self.root)
            self.assertEqual(self.found(), [])
            commit(self.root)
            self.assertEqual(self.found(), [("full-run", path, 1)])


class ExceptionsTest(Plot):
    def test_an_exception_lets_a_finding_pass_by_path_and_name(self):
        self.plant({"base/a.cpp": LICENCE + "constexpr int most = 3;\n"})
        self.assertEqual(self.found({exceptions.FILE: "constant base/*:most # A reason.\n"}), [])
        self.assertEqual(len(self.found({exceptions.FILE: "constant base/*:least # A reason.\n"})), 2)

    def test_an_exception_that_covers_nothing_is_a_finding(self):
        self.assertEqual(self.found({exceptions.FILE: "# Why.\nspdx base/*\n"}), [("exceptions", exceptions.FILE, 2)])

    def test_an_unreadable_exception_is_a_finding(self):
        self.assertEqual(self.found({exceptions.FILE: "spdx\n"}), [("exceptions", exceptions.FILE, 1)])

    def test_listed_exceptions_let_everything_pass_and_shrink_when_mended(self):
        self.found({"base/a.cpp": "std::size_t f();\n"})
        listed = exceptions.listed(tidy.findings_of(Tree(self.root)))
        self.assertEqual(self.found({exceptions.FILE: listed}), [])
        self.plant({"base/a.cpp": LICENCE + "std::size_t f();\n"})
        self.assertEqual(tidy.main(["--root", str(self.root), "--shrink"]), 0)
        self.assertEqual((self.root / exceptions.FILE).read_text().count("\n#"), 1)
        self.assertEqual(self.found(), [])


class ParsingTest(unittest.TestCase):
    def test_the_table_of_rooms_holds_no_circle(self):
        self.assertEqual(list(check_includes.check_table()), [])

    def test_a_circle_in_a_table_is_found(self):
        table = (rooms.Room("a", "", ("b",)), rooms.Room("b", "", ("a",)))
        self.assertEqual([finding.check for finding in check_includes.check_table(table)], ["room"])

    def test_functions_are_found_with_their_lines(self):
        text = """class A {
 public:
  explicit A(int a) : a_{a}, b_(a) {}
  bool operator==(const A& other) const { return true; }
 private:
  std::map<int, int> a_{{1, 2}, {3, 4}};
  void hidden();
};
template <class T, int n = 3>
T sum(std::function<void(T)> f) {
  auto inner = [] { return '"'; };
}
const auto kLambda = [](int a) {
  return a;
};
enum class Kind { a, b };
TEST_F(Suite, Works) {
}
"""
        source = cpp.parse(text)
        self.assertEqual([tuple(function) for function in source.functions],
                         [("A", 3, 3), ("operator==", 4, 4), ("sum", 9, 12), ("kLambda", 13, 15),
                          ("Suite.Works", 17, 18)])
        self.assertIn(("class", "private", "void hidden()"), [entry[1:4] for entry in source.declarations])

    def test_literals_are_no_comments(self):
        source = cpp.parse('f("// no", R"(/* no */)", \'"\', 1\'000);  // yes\n/* and\nyes */')
        self.assertEqual([comment.text for comment in source.comments], ["yes", "and\nyes"])
        self.assertEqual([comment.text for comment in scripts.parse_lines("a '# no' b#no  # yes\n").comments], ["yes"])


class CommandTest(unittest.TestCase):
    def test_it_is_skipped_outside_a_checkout(self):
        with tempfile.TemporaryDirectory() as folder:
            script = pathlib.Path(__file__).with_name("tidy.py")
            result = subprocess.run([sys.executable, script, "--root", folder], capture_output=True, text=True)
            self.assertEqual(result.returncode, 77)
            self.assertIn("no git checkout", result.stderr)

    def test_a_finding_is_one_line_with_its_place(self):
        self.assertEqual(str(Finding("spdx", "a/b.cpp", 3, "no line: add it")), "a/b.cpp:3: no line: add it [spdx]")


if __name__ == "__main__":
    unittest.main()
