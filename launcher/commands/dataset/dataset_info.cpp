// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/dataset/dataset_info.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/terminal/printable.hpp"
#include "base/text.hpp"
#include "base/url.hpp"
#include "datasets/format/dataset_index.hpp"
#include "datasets/format/layout.hpp"
#include "datasets/reading/class_counts.hpp"
#include "datasets/reading/open.hpp"
#include "datasets/tools/row_lines.hpp"

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

// Rows of each class, by split.
using Counts = std::map<Split, std::vector<uint64_t>>;

Counts count_classes(const DatasetIndex& index) {
  Counts counts;
  if (index.has_targets()) return counts;
  for (const Split split : {Split::train, Split::test}) {
    counts[split] = datasets::class_counts(index, split);
  }
  return counts;
}

bool is_in_source_order(const DatasetIndex& index) {
  return index.shuffle_seed == datasets::layout::kSourceOrder;
}

nlohmann::json to_json(const DatasetIndex& index) {
  Counts counts = count_classes(index);
  nlohmann::json files = nlohmann::json::array();
  for (const auto& file : index.shards)
    files.push_back({{"path", printable_url(file.path)}, {"size", file.size}});
  return {{"uuid", index.uuid},
          {"element", datasets::name_of(index.element)},
          {"shape", {index.shape.channels, index.shape.height, index.shape.width}},
          {"train_rows", index.train.rows},
          {"test_rows", index.test.rows},
          {"classes", index.class_names},
          {"train_rows_of_class", counts[Split::train]},
          {"test_rows_of_class", counts[Split::test]},
          {"targets", targets_json(index.targets)},
          {"mean", index.mean},
          {"std", index.std},
          {"source", index.source},
          {"source_sha256", index.source_sha256},
          {"row_order", is_in_source_order(index) ? "source" : "shuffled"},
          {"shuffle_seed", is_in_source_order(index) ? nlohmann::json(nullptr)
                                                     : nlohmann::json(index.shuffle_seed)},
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

// "450 to 500", "500", and how many classes have none.
std::string range_text(const std::vector<uint64_t>& counts) {
  const auto [least, most] = std::minmax_element(counts.begin(), counts.end());
  std::string text = print_count(*least);
  if (*least != *most) text += " to " + print_count(*most);
  const auto none = std::count(counts.begin(), counts.end(), 0);
  return none == 0 ? text
                   : fmt::format("{} ({} without any)", text, counted(none, "class", "classes"));
}

// Returns the rows of each class, a line each; of many classes the range.
std::vector<std::string> count_lines(const DatasetIndex& index) {
  constexpr size_t kShown = 20;
  Counts counts = count_classes(index);
  const auto& train = counts[Split::train];
  const auto& test = counts[Split::test];
  if (train.size() > kShown) {
    return {"train " + range_text(train), "test " + range_text(test)};
  }
  std::vector<std::string> lines;
  for (size_t i = 0; i < train.size(); ++i) {
    lines.push_back(fmt::format("{}: {} train, {} test", index.class_names[i],
                                print_count(train[i]), print_count(test[i])));
  }
  return lines;
}

void print_info(const DatasetIndex& index) {
  const auto line = [](std::string_view key, const std::string& value) {
    fmt::print("{:<14}{}\n", key, printable(value));
  };
  line("uuid", index.uuid);
  line("samples", shape_text(index));
  line("train rows", print_count(index.train.rows));
  line("test rows", print_count(index.test.rows));
  if (index.has_targets()) {
    line("targets", names_text(index.targets.names));
    line("target mean", list_text(index.targets.mean));
    line("target std", list_text(index.targets.std));
    line("target min", list_text(index.targets.least));
    line("target max", list_text(index.targets.largest));
  } else {
    line("classes", names_text(index.class_names));
    std::string_view key = "rows a class";
    for (const std::string& text : count_lines(index)) line(std::exchange(key, ""), text);
  }
  line("normalised", normalisation_text(index));
  if (index.element != datasets::ElementType::i64) {
    line("mean", list_text(index.mean));
    line("std", list_text(index.std));
  }
  line("source", index.source);
  if (!index.source_sha256.empty()) line("source sha256", index.source_sha256);
  if (is_in_source_order(index)) {
    line("row order", "of the source");
  } else {
    line("shuffle seed", std::to_string(index.shuffle_seed));
  }
  line("block", fmt::format("{}, {}", counted(index.block_rows, "row"),
                            print_size(index.block_rows * index.row_bytes())));
  if (index.shard_count > 1) {
    line("shard", fmt::format("{} of {}", index.shard_index + 1, index.shard_count));
  }
  for (const auto& file : index.shards) {
    line("file", fmt::format("{} ({})", printable_url(file.path), print_size(file.size)));
  }
}

}  // namespace

void add_dataset_info(CLI::App& dataset) {
  CLI::App& command = *dataset.add_subcommand("info", "Show the contents of a dataset");
  const auto path = std::make_shared<std::string>();
  const auto json = std::make_shared<bool>(false);
  command.add_option("dataset", *path, "A file, a directory of shards, or the URL of one")
      ->required();
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

}  // namespace ringtrain::launcher
