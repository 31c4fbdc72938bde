// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/dataset/import_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <utility>

#include "base/error.hpp"
#include "base/terminal/printable.hpp"
#include "base/text.hpp"
#include "base/url.hpp"
#include "launcher/commands/dataset/destination.hpp"
#include "launcher/commands/dataset/remote_files.hpp"
#include "launcher/terminal/dataset_progress.hpp"

namespace ringtrain::launcher {
namespace {

const std::map<std::string, const char*> kHelpOfPaths = {
    {"train_images", "IDX file of the training images, as train-images-idx3-ubyte.gz"},
    {"train_labels", "Their classes, a whole number from 0 for each, or their targets"},
    {"test_images", "IDX file of the test images, as t10k-images-idx3-ubyte.gz; may be left out"},
    {"test_labels", "Their classes or targets"},
    {"train_features", "Training samples: an array whose first dimension counts them"},
    {"test_features", "Test samples of the same shape; may be left out"},
    {"file", "The file to import, or its URL"},
    {"source", "A folder, or an archive of it, or an archive's URL"},
};

// Puts what is at URLs in the place of its sources, so that an importer sees files alone. The name
// of a source stays that of its URL.
void fetch_sources(ImportArguments& arguments, RemoteFiles& remote) {
  std::string named;
  const auto fetch = [&](std::string& path) {
    if (is_url(path)) named += (named.empty() ? "" : ", ") + printable_url(path);
    path = remote.fetch(path);
  };
  for (std::string& path : arguments.paths) fetch(path);
  if (!arguments.test_file.empty()) fetch(arguments.test_file);
  if (!arguments.labels_file.empty()) fetch(arguments.labels_file);
  if (!named.empty()) arguments.options.source = named;
}

void check_destination(const ImportArguments& arguments) {
  std::vector<std::string> sources = arguments.paths;
  for (const std::string& file : {arguments.test_file, arguments.labels_file}) {
    if (!file.empty()) sources.push_back(file);
  }
  refuse_own_source(arguments.output, sources);
  check_folder(arguments.output, arguments.parents);
  refuse_to_replace(arguments.output, arguments.force);
}

}  // namespace

std::shared_ptr<ImportArguments> add_import(CLI::App& import_command, CLI::App*& command,
                                            const std::string& name, const std::string& description,
                                            Import import) {
  command = import_command.add_subcommand(name, description);
  auto arguments = std::make_shared<ImportArguments>();
  command->add_option("-o,--output", arguments->output, "Dataset file to write, or s3://BUCKET/KEY")
      ->required()
      ->type_name("FILE");
  command->add_flag("--force", arguments->force, "Replace the file if it exists");
  command->add_flag("--parents", arguments->parents,
                    "Make missing folders outside the working directory");
  command->add_option("--seed", arguments->options.shuffle_seed, "Seed of row order and test rows");
  command->add_option("--block-rows", arguments->options.block_rows,
                      "Rows that are read together (default: 256 to 512 KiB of them)");
  command
      ->add_option("--class-names", arguments->options.class_names,
                   "Names of the classes, label 0 first, with commas between them. Labels that are "
                   "words, and folders of images, are numbered in the order of the alphabet; the "
                   "import prints which got which name")
      ->delimiter(',')
      ->type_name("NAMES");
  command
      ->add_option("--limit", arguments->options.limit,
                   "Import only the first N training rows of the source")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1} << 62));
  command->add_flag(
      "--keep-order", arguments->options.keep_order,
      "Keep the rows in the order of the source; training shuffles them all the same");
  command
      ->add_option("--mean", arguments->options.mean,
                   "Mean to normalise by, one or one a channel, with commas between them (default: "
                   "that of the training rows); of bytes, mean of x / 255")
      ->delimiter(',');
  command
      ->add_option("--std", arguments->options.std, "Standard deviation to normalise by, the same")
      ->delimiter(',');
  command->add_flag("--one-class", arguments->options.one_class,
                    "Accept training rows that all have the same class or target");
  command->callback([arguments, import = std::move(import)] {
    RemoteFiles remote;
    const std::string destination = without_file_scheme(arguments->output);
    arguments->output = destination;
    if (is_url(destination)) {
      remote.refuse_to_replace(destination, arguments->force);
      arguments->output = remote.path_for(destination);
    } else {
      check_destination(*arguments);
    }
    fetch_sources(*arguments, remote);
    DatasetProgress bar("importing");
    arguments->options.progress = bar.callback();
    arguments->options.note = [&](const std::string& line) { arguments->notes.push_back(line); };
    const datasets::DatasetIndex index = import(*arguments);
    bar.finish();
    if (is_url(destination)) remote.send(arguments->output, destination);
    for (const std::string& line : arguments->notes) fmt::print(stderr, "{}\n", printable(line));
    fmt::print("{}: {} training and {} test rows of {} x {} x {} {}, {}\n", destination,
               print_count(index.train.rows), print_count(index.test.rows), index.shape.channels,
               index.shape.height, index.shape.width, datasets::name_of(index.element),
               index.has_targets() ? counted(index.targets.names.size(), "target")
                                   : counted(index.class_names.size(), "class", "classes"));
  });
  return arguments;
}

void add_test_share(CLI::App& command, ImportArguments& arguments) {
  command
      .add_option(
          "--test-share", arguments.test_share,
          "Part of the rows that is for tests, if the source has no test rows: below 1, and "
          "of each class the same part; 0: no test rows")
      ->capture_default_str();
}

char separator_of(const std::string& option) {
  if (option == "tab") return '\t';
  if (option.size() != 1) throw job_error("--separator must be one character, or tab");
  return option[0];
}

void add_paths(CLI::App& command, ImportArguments& arguments, const std::vector<std::string>& names,
               size_t required) {
  arguments.paths.resize(names.size());
  for (size_t i = 0; i < names.size(); ++i) {
    CLI::Option* const option =
        command.add_option(names[i], arguments.paths[i], kHelpOfPaths.at(names[i]));
    if (i < required) option->required();
  }
}

void check_paths(const ImportArguments& arguments) {
  const auto missing = std::find(arguments.paths.begin(), arguments.paths.end(), "");
  if (missing == arguments.paths.end() || missing == arguments.paths.begin() + 2) return;
  throw job_error("a file of test samples comes with a file of their labels");
}

}  // namespace ringtrain::launcher
