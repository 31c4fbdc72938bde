// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/dataset/dataset_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "datasets/format/dataset_index.hpp"
#include "datasets/reading/open.hpp"
#include "datasets/reading/verify.hpp"
#include "datasets/tools/contact_sheet.hpp"
#include "datasets/tools/row_lines.hpp"
#include "datasets/writing/export.hpp"
#include "datasets/writing/shard.hpp"
#include "launcher/commands/dataset/dataset_info.hpp"
#include "launcher/commands/dataset/dataset_progress.hpp"
#include "launcher/commands/dataset/destination.hpp"
#include "launcher/commands/dataset/import_commands.hpp"

namespace ringtrain::launcher {
namespace {

using datasets::DatasetIndex;
using datasets::Split;

void add_verify(CLI::App& dataset) {
  CLI::App& command = *dataset.add_subcommand("verify", "Check every byte of a dataset");
  const auto path = std::make_shared<std::string>();
  command.add_option("dataset", *path, "A file, a directory of shards, or the URL of one")
      ->required();
  command.callback([path] {
    DatasetProgress bar("verifying");
    const DatasetIndex index = datasets::open_dataset_unverified(*path);
    datasets::verify(index, bar.callback());
    bar.finish();
    fmt::print("{}: {} training and {} test rows are whole\n", *path, print_count(index.train.rows),
               print_count(index.test.rows));
  });
}

void add_split(CLI::App& dataset) {
  struct Arguments {
    std::string path;
    std::string output;
    uint32_t shards = 0;
  };
  CLI::App& command = *dataset.add_subcommand(
      "split", "Cut a dataset into shards, for ranks without shared storage");
  const auto arguments = std::make_shared<Arguments>();
  command.add_option("dataset", arguments->path, "A file, or its URL")->required();
  command.add_option("--shards", arguments->shards, "Number of shards")->required();
  command.add_option("-o,--output", arguments->output, "Directory to create")
      ->required()
      ->type_name("DIR");
  command.callback([arguments] {
    DatasetProgress bar("splitting");
    const DatasetIndex index = datasets::open_dataset_unverified(arguments->path);
    const auto paths =
        datasets::shard_dataset(index, arguments->output, arguments->shards, bar.callback());
    bar.finish();
    fmt::print("{}: {}\n", arguments->output, counted(paths.size(), "shard"));
  });
}

void add_export(CLI::App& dataset) {
  struct Arguments {
    std::string path;
    std::string output;
    uint64_t parts = 0;
    bool force = false;
  };
  CLI::App& command =
      *dataset.add_subcommand("export", "Write a dataset's rows as .npy or .npz files");
  const auto arguments = std::make_shared<Arguments>();
  command
      .add_option("dataset", arguments->path, "A file, a directory of shards, or the URL of one")
      ->required();
  command.add_option("-o,--output", arguments->output, "Directory for the files")
      ->required()
      ->type_name("DIR");
  command
      .add_option("--npz", arguments->parts,
                  "Write the training rows as N files of equally many, 0.npz and so on, with "
                  "the arrays x and y; fewer than N rows at the end are left out")
      ->type_name("N");
  command.add_flag("--force", arguments->force, "Replace files that exist");
  command.callback([arguments] {
    const DatasetIndex index = datasets::open_dataset_unverified(arguments->path);
    const bool as_npz = arguments->parts > 0;
    for (const auto& file : as_npz ? datasets::npz_paths(arguments->output, arguments->parts)
                                   : datasets::export_paths(index, arguments->output)) {
      refuse_to_replace(file, arguments->force);
    }
    DatasetProgress bar("exporting");
    const auto written =
        as_npz ? datasets::export_npz(index, arguments->output, arguments->parts, bar.callback())
               : datasets::export_npy(index, arguments->output, bar.callback());
    bar.finish();
    for (const auto& file : written) fmt::print("{}\n", file.string());
  });
}

// Refuses to replace a file that is no PNG, such as the dataset itself.
void check_picture(const std::string& output) {
  std::error_code none;
  if (!std::filesystem::is_regular_file(output, none)) return;
  const File file = File::open_for_reading(output);
  std::string begin(std::min<uint64_t>(file.size(), 4), '\0');
  file.read_at(begin.data(), begin.size(), 0);
  if (begin != "\x89PNG") {
    throw job_error(output + ": exists already and is no PNG: choose another name for the picture");
  }
}

void add_sample(CLI::App& dataset) {
  struct Arguments {
    std::string path;
    std::string output = "sample.png";
    uint64_t rows = 64;
    uint64_t seed = 0;
    bool test = false;
  };
  CLI::App& command = *dataset.add_subcommand("sample", "Draw rows as a PNG, or print a table's");
  const auto arguments = std::make_shared<Arguments>();
  command
      .add_option("dataset", arguments->path, "A file, a directory of shards, or the URL of one")
      ->required();
  command.add_option("-o,--output", arguments->output, "PNG file to write; not for a table")
      ->capture_default_str()
      ->type_name("FILE");
  command.add_option("--rows", arguments->rows, "Number of rows")->capture_default_str();
  command.add_option("--seed", arguments->seed, "Seed for the choice of rows")
      ->capture_default_str();
  command.add_flag("--test", arguments->test, "Draw test rows");
  command.callback([arguments] {
    const DatasetIndex index = datasets::open_dataset_unverified(arguments->path);
    const Split split = arguments->test ? Split::test : Split::train;
    if (datasets::is_table(index)) {
      for (const auto& text : datasets::row_lines(index, split, arguments->rows, arguments->seed)) {
        fmt::print("{}\n", text);
      }
      return;
    }
    check_picture(arguments->output);
    datasets::write_contact_sheet(index, split, arguments->rows, arguments->seed,
                                  arguments->output);
    fmt::print("{}\n", arguments->output);
  });
}

}  // namespace

void add_dataset_command(CLI::App& app) {
  CLI::App& dataset = *app.add_subcommand("dataset", "Create, inspect and check datasets");
  dataset.require_subcommand(1);
  add_import_commands(dataset);
  add_dataset_info(dataset);
  add_verify(dataset);
  add_split(dataset);
  add_export(dataset);
  add_sample(dataset);
}

}  // namespace ringtrain::launcher
