// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/import_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <system_error>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "launcher/terminal/dataset_progress.hpp"

namespace ringtrain::launcher {
namespace {

const std::map<std::string, const char*> kHelpOfPaths = {
    {"train_images", "IDX file of the training images, as train-images-idx3-ubyte.gz"},
    {"train_labels", "Their classes, a whole number from 0 for each, or their targets"},
    {"test_images", "IDX file of the test images, as t10k-images-idx3-ubyte.gz"},
    {"test_labels", "Their classes or targets"},
    {"train_features", "Training samples: an array whose first dimension counts them"},
    {"test_features", "Test samples of the same shape"},
    {"file", "The file to import"},
    {"source", "A folder, or an archive of it"},
};

// Throws a job error rather than replace a file, or make folders outside the working directory,
// unasked.
void check_destination(const ImportArguments& arguments) {
  namespace fs = std::filesystem;
  std::error_code ignored;  // creating the file reports what is wrong
  const fs::path output = fs::absolute(arguments.output, ignored).lexically_normal();
  if (fs::is_directory(output, ignored)) {
    throw job_error(arguments.output + ": is a folder; name a file in it");
  }
  if (!arguments.force && fs::exists(fs::symlink_status(output, ignored))) {
    throw job_error(arguments.output + ": exists already; --force replaces it");
  }
  const fs::path folder = output.parent_path();
  const fs::path here = fs::current_path(ignored);
  const bool is_inside =
      std::mismatch(here.begin(), here.end(), folder.begin(), folder.end()).first == here.end();
  if (!arguments.parents && !is_inside && !fs::exists(folder, ignored)) {
    throw job_error(fmt::format("{}: there is no folder {}; --parents makes it", arguments.output,
                                folder.string()));
  }
}

}  // namespace

std::shared_ptr<ImportArguments> add_import(CLI::App& import_command, CLI::App*& command,
                                            const std::string& name, const std::string& description,
                                            Import import) {
  command = import_command.add_subcommand(name, description);
  auto arguments = std::make_shared<ImportArguments>();
  command->add_option("-o,--output", arguments->output, "Dataset file to write")->required();
  command->add_flag("--force", arguments->force, "Replace the file if it exists");
  command->add_flag("--parents", arguments->parents,
                    "Make missing folders outside the working directory");
  command->add_option("--seed", arguments->options.shuffle_seed, "Seed of row order and test rows");
  command->add_option("--block-rows", arguments->options.block_rows,
                      "Rows that are read together (default: 256 to 512 KiB of them)");
  command
      ->add_option("--class-names", arguments->options.class_names,
                   "Names of the classes, label 0 first, with commas between them")
      ->delimiter(',');
  command->add_flag("--one-class", arguments->options.one_class,
                    "Accept training rows that all have the same class or target");
  command->callback([arguments, import = std::move(import)] {
    check_destination(*arguments);
    DatasetProgress bar("importing");
    arguments->options.progress = bar.callback();
    const datasets::DatasetIndex index = import(*arguments);
    bar.finish();
    for (const std::string& line : arguments->notes) fmt::print(stderr, "{}\n", line);
    fmt::print("{}: {} training and {} test rows of {} x {} x {} {}, {}\n", arguments->output,
               index.train.rows, index.test.rows, index.shape.channels, index.shape.height,
               index.shape.width, datasets::name_of(index.element),
               index.has_targets() ? counted(index.targets.names.size(), "target")
                                   : counted(index.class_names.size(), "class", "classes"));
  });
  return arguments;
}

void add_test_share(CLI::App& command, ImportArguments& arguments) {
  command
      .add_option("--test-share", arguments.test_share,
                  "Part of the rows that is for tests, if the source has none")
      ->capture_default_str();
}

void add_paths(CLI::App& command, ImportArguments& arguments,
               const std::vector<std::string>& names) {
  arguments.paths.resize(names.size());
  for (size_t i = 0; i < names.size(); ++i) {
    command.add_option(names[i], arguments.paths[i], kHelpOfPaths.at(names[i]))->required();
  }
}

}  // namespace ringtrain::launcher
