// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/dataset_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>
#include <vector>

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
#include "launcher/commands/import_commands.hpp"
#include "launcher/terminal/dataset_progress.hpp"

namespace ringtrain::launcher {
namespace {

using datasets::DatasetIndex;
using datasets::Split;

std::string shape_text(const DatasetIndex& index) {
  return fmt::format("{} x {} x {} {}", index.shape.channels, index.shape.height, index.shape.width,
                     datasets::name_of(index.element));
}

nlohmann::json targets_json(const datasets::Targets& targets) {
  auto json = nlohmann::json::array();
  for (size_t k = 0; k < targets.names.size(); ++k) {
    json.push_back({{"name", targets.names[k]},
                    {"mean", targets.mean[k]},
                    {"std", targets.std[k]},
                    {"min", targets.least[k]},
                    {"max", targets.largest[k]}});
  }
  return json;
}

nlohmann::json to_json(const DatasetIndex& index) {
  nlohmann::json files = nlohmann::json::array();
  for (const auto& file : index.shards) files.push_back({{"path", file.path}, {"size", file.size}});
  return {{"uuid", index.uuid},
          {"element", datasets::name_of(index.element)},
          {"shape", {index.shape.channels, index.shape.height, index.shape.width}},
          {"train_rows", index.train.rows},
          {"test_rows", index.test.rows},
          {"classes", index.class_names},
          {"targets", targets_json(index.targets)},
          {"mean", index.mean},
          {"std", index.std},
          {"source", index.source},
          {"source_sha256", index.source_sha256},
          {"shuffle_seed", index.shuffle_seed},
          {"block_rows", index.block_rows},
          {"part_index", index.shard_index},
          {"part_count", index.shard_count},
          {"files", std::move(files)}};
}

// Says what training makes of a stored value.
std::string normalisation_text(const DatasetIndex& index) {
  if (index.element == datasets::ElementType::i64) return "no: whole numbers, as they are";
  return fmt::format("each {}: ({} - mean) / std, of the training rows",
                     datasets::is_table(index) ? "column" : "channel",
                     index.element == datasets::ElementType::u8 ? "x / 255" : "x");
}

// Returns all of a few numbers; of many the first few, how many there are, and their range.
std::string list_text(const std::vector<float>& values) {
  constexpr size_t kAll = 12;
  constexpr size_t kFirst = 4;
  if (values.size() <= kAll) return fmt::format("{:.5g}", fmt::join(values, ", "));
  const auto [least, largest] = std::minmax_element(values.begin(), values.end());
  return fmt::format("{:.5g}, ... ({} values from {:.5g} to {:.5g})",
                     fmt::join(values.begin(), values.begin() + kFirst, ", "), values.size(),
                     *least, *largest);
}

// "10 (0, 1, 2, ...)"
std::string names_text(const std::vector<std::string>& names) {
  constexpr size_t kShown = 12;
  const size_t shown = std::min(kShown, names.size());
  return fmt::format("{} ({}{})", names.size(),
                     fmt::join(names.begin(), names.begin() + static_cast<ptrdiff_t>(shown), ", "),
                     shown < names.size() ? ", ..." : "");
}

void print_info(const DatasetIndex& index) {
  const auto line = [](std::string_view key, const std::string& value) {
    fmt::print("{:<14}{}\n", key, value);
  };
  line("uuid", index.uuid);
  line("samples", shape_text(index));
  line("train rows", std::to_string(index.train.rows));
  line("test rows", std::to_string(index.test.rows));
  if (index.has_targets()) {
    line("targets", names_text(index.targets.names));
    line("target mean", list_text(index.targets.mean));
    line("target std", list_text(index.targets.std));
    line("target min", list_text(index.targets.least));
    line("target max", list_text(index.targets.largest));
  } else {
    line("classes", names_text(index.class_names));
  }
  line("normalised", normalisation_text(index));
  if (index.element != datasets::ElementType::i64) {
    line("mean", list_text(index.mean));
    line("std", list_text(index.std));
  }
  line("source", index.source);
  if (!index.source_sha256.empty()) line("source sha256", index.source_sha256);
  line("shuffle seed", std::to_string(index.shuffle_seed));
  line("block", fmt::format("{}, {:.0f} KiB", counted(index.block_rows, "row"),
                            static_cast<double>(index.block_rows * index.row_bytes()) / 1024));
  if (index.shard_count > 1) {
    line("shard", fmt::format("{} of {}", index.shard_index + 1, index.shard_count));
  }
  for (const auto& file : index.shards) {
    line("file", fmt::format("{} ({:.1f} MB)", file.path, static_cast<double>(file.size) / 1e6));
  }
}

void add_info(CLI::App& dataset) {
  CLI::App& command = *dataset.add_subcommand("info", "Show the contents of a dataset");
  const auto path = std::make_shared<std::string>();
  const auto json = std::make_shared<bool>(false);
  command.add_option("dataset", *path, "A file, or a directory of shards")->required();
  command.add_flag("--json", *json, "Print the contents as JSON");
  command.callback([path, json] {
    const DatasetIndex index = datasets::open_dataset_unverified(*path);
    if (*json) {
      fmt::print("{}\n",
                 to_json(index).dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    } else {
      print_info(index);
    }
  });
}

void add_verify(CLI::App& dataset) {
  CLI::App& command = *dataset.add_subcommand("verify", "Check every byte of a dataset");
  const auto path = std::make_shared<std::string>();
  command.add_option("dataset", *path, "A file, or a directory of shards")->required();
  command.callback([path] {
    DatasetProgress bar("verifying");
    const DatasetIndex index = datasets::open_dataset_unverified(*path);
    datasets::verify(index, bar.callback());
    bar.finish();
    fmt::print("{}: {} training and {} test rows are whole\n", *path, index.train.rows,
               index.test.rows);
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
  command.add_option("dataset", arguments->path, "A file")->required();
  command.add_option("--shards", arguments->shards, "Number of shards")->required();
  command.add_option("-o,--output", arguments->output, "Directory to create")->required();
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
  CLI::App& command = *dataset.add_subcommand("export", "Write a dataset's rows as .npy files");
  const auto path = std::make_shared<std::string>();
  const auto output = std::make_shared<std::string>();
  command.add_option("dataset", *path, "A file, or a directory of shards")->required();
  command.add_option("-o,--output", *output, "Directory for the .npy files")->required();
  command.callback([path, output] {
    DatasetProgress bar("exporting");
    const auto written =
        datasets::export_npy(datasets::open_dataset_unverified(*path), *output, bar.callback());
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
  command.add_option("dataset", arguments->path, "A file, or a directory of shards")->required();
  command.add_option("-o,--output", arguments->output, "PNG file to write; not for a table")
      ->capture_default_str();
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
  add_info(dataset);
  add_verify(dataset);
  add_split(dataset);
  add_export(dataset);
  add_sample(dataset);
}

}  // namespace ringtrain::launcher
