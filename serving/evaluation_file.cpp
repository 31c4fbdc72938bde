// SPDX-License-Identifier: Apache-2.0
#include "serving/evaluation_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/time.hpp"
#include "net/base64.hpp"
#include "net/sha256.hpp"

namespace ringtrain::serving {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr uint64_t kMostBytes = uint64_t{64} << 20;
// Outputs of another kind of processor differ by rounding; a wrong weight shows far above it.
constexpr double kTolerance = 1e-2;
constexpr uint64_t kMostProbeRows = 64;

std::string sha256_of(const fs::path& path) {
  const File file = File::open_for_reading(path);
  net::Sha256 sum;
  std::vector<char> piece(size_t{1} << 20);
  for (uint64_t at = 0, size = file.size(); at < size;) {
    const auto bytes = static_cast<size_t>(std::min<uint64_t>(piece.size(), size - at));
    file.read_at(piece.data(), bytes, at);
    sum.add(piece.data(), bytes);
    at += bytes;
  }
  return sum.hexadecimal();
}

fs::path file_beside(const TrainedModel& model) {
  return model.file().parent_path() / kEvaluationFile;
}

// Returns the sums of the model's files: of a run's both, whichever was evaluated.
std::map<std::string, std::string> sums_of(const TrainedModel& model) {
  std::map<std::string, std::string> sums;
  for (const fs::path& name :
       {model.file().filename(), fs::path("model.pt"), fs::path("model.safetensors")}) {
    const fs::path file = model.file().parent_path() / name;
    if (fs::is_regular_file(file)) sums[name.string()] = sha256_of(file);
  }
  return sums;
}

ordered_json probe_json(const Probe& probe) {
  const auto* const begin = reinterpret_cast<const char*>(probe.samples.data());
  return {{"rows", probe.rows},
          {"samples", net::encode_base64({begin, begin + probe.samples.size()})},
          {"outputs", probe.outputs}};
}

Probe parse_probe(const ordered_json& json) {
  Probe probe{.rows = json.at("rows").get<uint64_t>(), .samples = {}, .outputs = {}};
  const auto bytes = net::decode_base64(json.at("samples").get<std::string>());
  if (!bytes) throw data_error("its probe is not base64");
  const auto* const begin = reinterpret_cast<const std::byte*>(bytes->data());
  probe.samples.assign(begin, begin + bytes->size());
  for (const auto& output : json.at("outputs")) {
    probe.outputs.push_back(output.is_null() ? std::numeric_limits<float>::quiet_NaN()
                                             : output.get<float>());
  }
  return probe;
}

SavedEvaluation parse(const std::string& text) {
  const auto json = ordered_json::parse(text);
  if (json.at("format").get<int>() != 1) throw data_error("it is of another version of ringtrain");
  // Member by member: g++ 12 destroys those of an aggregate twice where a later one throws.
  SavedEvaluation saved;
  saved.figures.dataset = json.at("dataset").get<std::string>();
  saved.figures.split = json.at("split").get<std::string>();
  saved.figures.samples = json.at("samples").get<double>();
  saved.figures.loss = std::numeric_limits<double>::quiet_NaN();
  saved.sha256 = json.at("sha256").get<std::map<std::string, std::string>>();
  saved.probe = parse_probe(json.at("probe"));
  if (!json.at("loss").is_null()) saved.figures.loss = json["loss"].get<double>();
  if (json.contains("accuracy")) saved.figures.accuracy = json["accuracy"].get<double>();
  return saved;
}

bool is_close(double found, double stored) {
  if (std::isnan(stored)) return std::isnan(found);
  return std::abs(found - stored) <= kTolerance * std::max(1.0, std::abs(stored));
}

}  // namespace

fs::path save_evaluation(const TrainedModel& model, const EvaluationOfModel& found,
                         const std::string& dataset, const std::string& split,
                         ordered_json figures) {
  ordered_json json = {{"format", 1},
                       {"time", print_time(std::chrono::system_clock::now())},
                       {"dataset", dataset},
                       {"split", split},
                       {"sha256", sums_of(model)}};
  json.update(figures);
  json["probe"] = probe_json(found.probe);
  const fs::path path = file_beside(model);
  write_file(path, json.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n");
  return path;
}

std::optional<SavedEvaluation> read_evaluation(const TrainedModel& model) {
  const fs::path path = file_beside(model);
  if (!fs::exists(path)) return std::nullopt;
  SavedEvaluation saved;
  try {
    saved = parse(read_file(path, kMostBytes));
  } catch (const nlohmann::json::exception& error) {
    throw data_error(
        fmt::format("{} is damaged: evaluate the model again: {}", path.string(), error.what()));
  } catch (const Error& error) {
    throw data_error(fmt::format("{}: {}: evaluate the model again", path.string(), error.what()));
  }
  const auto sum = saved.sha256.find(model.file().filename().string());
  if (sum == saved.sha256.end() || sum->second != sha256_of(model.file())) {
    throw data_error(
        fmt::format("{} is of another model than {}: evaluate the model again, by 'ringtrain "
                    "evaluate --save'",
                    path.string(), model.file().string()));
  }
  return saved;
}

void check_probe(TrainedModel& model, const SavedEvaluation& evaluation) {
  const Probe& probe = evaluation.probe;
  const uint64_t row_bytes = model.samples().row_bytes();
  const std::string file = file_beside(model).string();
  if (probe.rows == 0 || probe.rows > kMostProbeRows ||
      probe.samples.size() != probe.rows * row_bytes) {
    throw data_error(
        fmt::format("{}: its probe is not of samples of {}", file, model.file().string()));
  }
  std::vector<const std::byte*> rows;
  for (uint64_t row = 0; row < probe.rows; ++row) {
    rows.push_back(probe.samples.data() + row * row_bytes);
  }
  const at::Tensor outputs = model
                                 .outputs({.rows = static_cast<uint32_t>(probe.rows),
                                           .x = probe.samples.data(),
                                           .samples = rows.data()})
                                 .contiguous();
  const bool same_size = static_cast<size_t>(outputs.numel()) == probe.outputs.size();
  const auto* const found = outputs.const_data_ptr<float>();
  for (size_t i = 0; i < probe.outputs.size() || !same_size; ++i) {
    if (same_size && is_close(found[i], probe.outputs[i])) continue;
    throw data_error(fmt::format(
        "{} does not reproduce its own evaluation: it returns {} where {} has {}: train or "
        "evaluate it again",
        model.file().string(), same_size ? fmt::format("{:.6g}", found[i]) : "other sizes", file,
        same_size ? fmt::format("{:.6g}", probe.outputs[i]) : "outputs"));
  }
}

}  // namespace ringtrain::serving
