// SPDX-License-Identifier: Apache-2.0
#include "launcher/dataset_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "datasets/importers/byte_source.hpp"
#include "datasets/importers/idx.hpp"
#include "datasets/importers/mnist.hpp"
#include "datasets/plan.hpp"
#include "datasets/verify.hpp"
#include "launcher/dataset_progress.hpp"

namespace ringtrain::launcher {
namespace {

using datasets::ImportOptions;
using datasets::Plan;
using datasets::Split;

std::string shape_text(const Plan& plan) {
  return fmt::format("{} x {} x {} {}", plan.shape.channels, plan.shape.height, plan.shape.width,
                     datasets::name_of(plan.element));
}

void print_imported(const std::string& path, const Plan& plan) {
  fmt::print("{}: {} training and {} test rows of {}, {} classes\n", path, plan.train.rows,
             plan.test.rows, shape_text(plan), plan.class_names.size());
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

std::string joined(const std::vector<float>& values) {
  std::string text;
  for (const float value : values) text += fmt::format("{}{:.5g}", text.empty() ? "" : ", ", value);
  return text;
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
  std::string classes = fmt::format("{} ({}{})", plan.class_names.size(),
                                    fmt::join(plan.class_names.begin(),
                                              plan.class_names.begin() + static_cast<ptrdiff_t>(shown),
                                              ", "),
                                    shown < plan.class_names.size() ? ", ..." : "");
  line("classes", classes);
  line("mean", joined(plan.mean));
  line("std", joined(plan.std));
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

// What every import takes besides its sources.
struct ImportArguments {
  std::string output;
  ImportOptions options;
};

std::shared_ptr<ImportArguments> add_import_arguments(CLI::App& command) {
  auto arguments = std::make_shared<ImportArguments>();
  command.add_option("-o,--output", arguments->output, "The dataset file to write")->required();
  command.add_option("--shuffle-seed", arguments->options.shuffle_seed,
                     "Seed of the order in which rows are stored");
  command.add_option("--block-rows", arguments->options.block_rows,
                     "Rows per block; 0: blocks of about 512 KiB");
  return arguments;
}

void add_import_mnist(CLI::App& import) {
  CLI::App& command = *import.add_subcommand("mnist", "The 70,000 MNIST digits, fetched and checked");
  const auto arguments = add_import_arguments(command);
  command.callback([arguments] {
    DatasetProgress bar("importing");
    arguments->options.progress = bar.callback();
    const Plan plan = datasets::import_mnist(arguments->output, arguments->options);
    bar.finish();
    print_imported(arguments->output, plan);
  });
}

void add_import_idx(CLI::App& import) {
  CLI::App& command = *import.add_subcommand("idx", "IDX files at hand, plain or gzipped");
  const auto arguments = add_import_arguments(command);
  const auto paths = std::make_shared<std::vector<std::string>>(4);
  command.add_option("train_images", (*paths)[0], "Training images")->required();
  command.add_option("train_labels", (*paths)[1], "Training labels")->required();
  command.add_option("test_images", (*paths)[2], "Test images")->required();
  command.add_option("test_labels", (*paths)[3], "Test labels")->required();
  command.callback([arguments, paths] {
    DatasetProgress bar("importing");
    arguments->options.progress = bar.callback();
    std::vector<std::unique_ptr<datasets::ByteSource>> sources;
    for (const std::string& path : *paths) sources.push_back(datasets::open_source(path));
    const Plan plan = datasets::import_idx({*sources[0], *sources[1], *sources[2], *sources[3]},
                                           arguments->output, arguments->options);
    bar.finish();
    print_imported(arguments->output, plan);
  });
}

void add_info(CLI::App& dataset) {
  CLI::App& command = *dataset.add_subcommand("info", "What a dataset holds");
  const auto path = std::make_shared<std::string>();
  const auto json = std::make_shared<bool>(false);
  command.add_option("dataset", *path, "A file, or a directory of part files")->required();
  command.add_flag("--json", *json, "Print JSON");
  command.callback([path, json] {
    const Plan plan = datasets::open_dataset_unverified(*path);
    if (*json) {
      fmt::print("{}\n", to_json(plan).dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    } else {
      print_info(plan);
    }
  });
}

void add_verify(CLI::App& dataset) {
  CLI::App& command = *dataset.add_subcommand("verify", "Checks every byte of a dataset");
  const auto path = std::make_shared<std::string>();
  command.add_option("dataset", *path, "A file, or a directory of part files")->required();
  command.callback([path] {
    DatasetProgress bar("verifying");
    const Plan plan = datasets::open_dataset_unverified(*path);
    datasets::verify(plan, bar.callback());
    bar.finish();
    fmt::print("{}: {} training and {} test rows are whole\n", *path, plan.train.rows, plan.test.rows);
  });
}

}  // namespace

void add_dataset_command(CLI::App& app) {
  CLI::App& dataset = *app.add_subcommand("dataset", "Make, look at and check datasets");
  dataset.require_subcommand(1);
  CLI::App& import = *dataset.add_subcommand("import", "Make a dataset from a source");
  import.require_subcommand(1);
  add_import_mnist(import);
  add_import_idx(import);
  add_info(dataset);
  add_verify(dataset);
}

}  // namespace ringtrain::launcher
