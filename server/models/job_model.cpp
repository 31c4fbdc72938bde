// SPDX-License-Identifier: Apache-2.0
#include "server/models/job_model.hpp"

#include <nlohmann/json.hpp>
#include <regex>
#include <string_view>

namespace ringtrain::server {
namespace {

using nlohmann::ordered_json;

// Returns the path that a job was given for its dataset; empty: none is known.
std::string dataset_of(const JobRecord& record) {
  constexpr std::string_view kKey = "dataset=";
  for (const std::string& one : record.overrides) {
    if (!one.starts_with(kKey)) continue;
    const auto value = ordered_json::parse(one.substr(kKey.size()), nullptr, false);
    if (value.is_string()) return value.get<std::string>();
  }
  return "";
}

}  // namespace

std::string model_name_of(const JobRecord& record) {
  if (record.parent.empty()) return record.name;
  return std::regex_replace(record.name, std::regex("-[0-9]+$"), "");
}

ModelRequest model_request_of(const JobFolder& folder, const ordered_json& job,
                              const std::string& model) {
  const auto record = folder.read_record();
  ModelRequest request{.model = model,
                       .output = folder.output().string(),
                       .job = folder.name(),
                       .attempt = folder.last_attempt()};
  if (record) {
    request.dataset = dataset_of(*record);
    request.dataset_name = record->dataset;
  }
  ordered_json about = ordered_json::object();
  about["network"] = job.value("model", "");
  for (const char* const key : {"stored_dataset", "order_hash", "seed", "batch_size", "epochs",
                                "steps", "loss", "test_loss", "test_accuracy"}) {
    if (job.contains(key)) about[std::string_view(key) == "loss" ? "train_loss" : key] = job[key];
  }
  request.about = about.dump();
  return request;
}

}  // namespace ringtrain::server
