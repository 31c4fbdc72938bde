// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/dataset_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "datasets/format/plan.hpp"
#include "datasets/reading/open.hpp"
#include "datasets/reading/verify.hpp"
#include "datasets/tools/contact_sheet.hpp"
#include "datasets/writing/export.hpp"
#include "datasets/writing/split.hpp"
#include "launcher/commands/import_commands.hpp"
#include "launcher/terminal/dataset_progress.hpp"

namespace ringtrain::launcher {
namespace {

using datasets::Plan;
using datasets::Split;

std::string shape_text(const Plan& plan) {
  return fmt::format("{} x {} x {} {}", plan.shape.channels, plan.shape.height, plan.shape.width,
                     datasets::name_of(plan.element));
}

nlohmann::json to_json(const Plan& plan) {
  nlohmann::json files = nlohmann::json::array();
  for (const auto& file : plan.files) files.push_back({{"path", file.path}, {"size", file.size}});
  return {{"uuid", plan.uuid},
          {"element", datasets::name_of(plan.element)},
          {"shape", {plan.shape.channels, plan.shape.height, plan.shape.width}},
          {"train_rows", plan.train.rows},
          {"test_rows", plan.test.rows},
          {"classes", plan.class_names},
          {"mean", plan.mean},
          {"std", plan.std},
          {"source", plan.source},
          {"source_sha256", plan.source_sha256},
          {"shuffle_seed", plan.shuffle_seed},
          {"block_rows", plan.block_rows},
          {"part_index", plan.part_index},
          {"part_count", plan.part_count},
          {"files", std::move(files)}};
}

void print_info(const Plan& plan) {
  const auto line = [](std::string_view key, const std::string& value) {
    fmt::print("{:<14}{}\n", key, value);
  };
  line("uuid", plan.uuid);
  line("samples", shape_text(plan));
  line("train rows", std::to_string(plan.train.rows));
  line("test rows", std::to_string(plan.test.rows));
  constexpr size_t kShown = 12;
  const size_t shown = std::min(kShown, plan.class_names.size());
  std::string classes =
      fmt::format("{} ({}{})", plan.class_names.size(),
                  fmt::join(plan.class_names.begin(),
                            plan.class_names.begin() + static_cast<ptrdiff_t>(shown), ", "),
                  shown < plan.class_names.size() ? ", ..." : "");
  line("classes", classes);
  line("mean", fmt::format("{:.5g}", fmt::join(plan.mean, ", ")));
  line("std", fmt::format("{:.5g}", fmt::join(plan.std, ", ")));
  line("source", plan.source);
  if (!plan.source_sha256.empty()) line("source sha256", plan.source_sha256);
  line("shuffle seed", std::to_string(plan.shuffle_seed));
  line("block", fmt::format("{} rows, {:.0f} KiB", plan.block_rows,
                            static_cast<double>(plan.block_rows * plan.row_bytes()) / 1024));
  if (plan.part_count > 1) {
    line("part", fmt::format("{} of {}", plan.part_index + 1, plan.part_count));
  }
  for (const auto& file : plan.files) {
    line("file", fmt::format("{} ({:.1f} MB)", file.path, static_cast<double>(file.size) / 1e6));
  }
}

void add_info(CLI::App& dataset) {
  CLI::App& command = *dataset.add_subcommand("info", "Show the contents of a dataset");
  const auto path = std::make_shared<std::string>();
  const auto json = std::make_shared<bool>(false);
  command.add_option("dataset", *path, "A file, or a directory of part files")->required();
  command.add_flag("--json", *json, "Print the contents as JSON");
  command.callback([path, json] {
    const Plan plan = datasets::open_dataset_unverified(*path);
    if (*json) {
      fmt::print("{}\n",
                 to_json(plan).dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    } else {
      print_info(plan);
    }
  });
}

void add_verify(CLI::App& dataset) {
  CLI::App& command = *dataset.add_subcommand("verify", "Check every byte of a dataset");
  const auto path = std::make_shared<std::string>();
  command.add_option("dataset", *path, "A file, or a directory of part files")->required();
  command.callback([path] {
    DatasetProgress bar("verifying");
    const Plan plan = datasets::open_dataset_unverified(*path);
    datasets::verify(plan, bar.callback());
    bar.finish();
    fmt::print("{}: {} training and {} test rows are whole\n", *path, plan.train.rows,
               plan.test.rows);
  });
}

void add_split(CLI::App& dataset) {
  struct Arguments {
    std::string path;
    std::string output;
    uint32_t parts = 0;
  };
  CLI::App& command = *dataset.add_subcommand(
      "split", "Cut a dataset into part files, for ranks without shared storage");
  const auto arguments = std::make_shared<Arguments>();
  command.add_option("dataset", arguments->path, "A file")->required();
  command.add_option("--parts", arguments->parts, "Number of part files")->required();
  command.add_option("-o,--output", arguments->output, "Directory to create")->required();
  command.callback([arguments] {
    DatasetProgress bar("splitting");
    const Plan plan = datasets::open_dataset_unverified(arguments->path);
    const auto paths =
        datasets::split_dataset(plan, arguments->output, arguments->parts, bar.callback());
    bar.finish();
    fmt::print("{}: {} part files\n", arguments->output, paths.size());
  });
}

void add_export(CLI::App& dataset) {
  CLI::App& command = *dataset.add_subcommand("export", "Write a dataset's rows as .npy files");
  const auto path = std::make_shared<std::string>();
  const auto output = std::make_shared<std::string>();
  command.add_option("dataset", *path, "A file, or a directory of part files")->required();
  command.add_option("-o,--output", *output, "Directory for the .npy files")->required();
  command.callback([path, output] {
    DatasetProgress bar("exporting");
    const auto written =
        datasets::export_npy(datasets::open_dataset_unverified(*path), *output, bar.callback());
    bar.finish();
    for (const auto& file : written) fmt::print("{}\n", file.string());
  });
}

void add_sample(CLI::App& dataset) {
  struct Arguments {
    std::string path;
    std::string output = "sample.png";
    uint64_t rows = 64;
    uint64_t seed = 0;
    bool test = false;
  };
  CLI::App& command = *dataset.add_subcommand("sample", "Draw rows with their labels as a PNG");
  const auto arguments = std::make_shared<Arguments>();
  command.add_option("dataset", arguments->path, "A file, or a directory of part files")
      ->required();
  command.add_option("-o,--output", arguments->output, "PNG file to write")->capture_default_str();
  command.add_option("--rows", arguments->rows, "Number of rows")->capture_default_str();
  command.add_option("--seed", arguments->seed, "Seed for the choice of rows")
      ->capture_default_str();
  command.add_flag("--test", arguments->test, "Draw test rows");
  command.callback([arguments] {
    const Plan plan = datasets::open_dataset_unverified(arguments->path);
    datasets::write_contact_sheet(plan, arguments->test ? Split::test : Split::train,
                                  arguments->rows, arguments->seed, arguments->output);
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
