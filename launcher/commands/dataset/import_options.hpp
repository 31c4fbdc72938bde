// SPDX-License-Identifier: Apache-2.0
// The options that every `ringtrain dataset import` has.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "datasets/format/dataset_index.hpp"
#include "datasets/importers/options.hpp"

namespace ringtrain::launcher {

struct ImportArguments {
  std::string output;
  bool force = false;
  bool parents = false;
  datasets::ImportOptions options;
  double test_share = 0.1;
  std::vector<std::string> paths;
  std::string test_file;           // a second table
  std::string labels_file;         // of `import images`
  std::vector<std::string> notes;  // lines to print after the import
};
using Import = std::function<datasets::DatasetIndex(ImportArguments& arguments)>;

// Adds the subcommand `name` of `import_command`, and sets `command` to it. It runs `import` under
// a progress bar, then prints its notes and the result. It refuses to replace a file, and to make
// folders outside the working directory, unasked; and always to replace what it imports.
std::shared_ptr<ImportArguments> add_import(CLI::App& import_command, CLI::App*& command,
                                            const std::string& name, const std::string& description,
                                            Import import);

void add_test_share(CLI::App& command, ImportArguments& arguments);

// Returns the character that --separator names: itself, or "tab". Throws a job error.
char separator_of(const std::string& option);

// Adds a positional argument for each name, of which the first `required` must be given;
// arguments.paths has them in this order.
void add_paths(CLI::App& command, ImportArguments& arguments, const std::vector<std::string>& names,
               size_t required);

// Throws a job error if there is one of the two files of test samples, and not the other.
// Requires: four paths, the first two of which are required.
void check_paths(const ImportArguments& arguments);

}  // namespace ringtrain::launcher
