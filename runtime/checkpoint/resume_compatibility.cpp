// SPDX-License-Identifier: Apache-2.0
#include "runtime/checkpoint/resume_compatibility.hpp"

#include <fmt/format.h>

#include <set>

#include "job/json.hpp"
#include "job/models.hpp"

namespace ringtrain {
namespace {

using nlohmann::json;

// Keys that do not change what is learned, or that may grow from run to run.
const std::set<std::string> kFree = {"name",
                                     "output",
                                     "dataset",
                                     "epochs",
                                     "device",
                                     "max_steps",
                                     "communication",
                                     "checkpoint",
                                     "workers",
                                     "restarts",
                                     "trace",
                                     "kubernetes",
                                     "initialize_from",
                                     "rollback",
                                     "evaluate_every_epochs",
                                     "max_skipped_steps"};

std::string shown(const json& value) { return value.is_null() ? "not set" : value.dump(); }

std::string difference(const std::string& key, const json& now, const json& then) {
  return fmt::format("{} is {}, the checkpoint's {}", key, shown(now), shown(then));
}

json at(const json& job, const char* pointer) {
  const json::json_pointer where(pointer);
  return job.is_object() && job.contains(where) ? job.at(where) : json();
}

}  // namespace

std::vector<std::string> conflicts(const Manifest& checkpoint, const JobSpec& job,
                                   const datasets::DatasetIndex& dataset) {
  std::vector<std::string> found;
  const json now = job_to_json(job);
  const json& then = checkpoint.job;
  const auto compare = [&](const char* pointer, const std::string& key) {
    if (at(now, pointer) != at(then, pointer)) {
      found.push_back(difference(key, at(now, pointer), at(then, pointer)));
    }
  };
  // A TorchScript file may have been moved. Its tensors are compared later.
  if (!is_torchscript_path(job.model)) compare("/model", "model");
  compare("/hidden", "hidden");
  compare("/batch_size", "batch_size");
  compare("/seed", "seed");
  compare("/optimizer/type", "optimizer.type");
  const auto has_momentum = [](const json& j) { return at(j, "/optimizer/momentum") != 0; };
  if (has_momentum(now) != has_momentum(then)) compare("/optimizer/momentum", "optimizer.momentum");
  if (checkpoint.dataset_uuid != dataset.uuid) {
    found.push_back(fmt::format("dataset {} has uuid {}, the checkpoint's {}", job.dataset.string(),
                                dataset.uuid, checkpoint.dataset_uuid));
  } else if (checkpoint.train_rows != dataset.train.rows) {
    found.push_back(fmt::format("dataset {} has {} training rows, the checkpoint's {}",
                                job.dataset.string(), dataset.train.rows, checkpoint.train_rows));
  }
  return found;
}

std::vector<std::string> changes(const Manifest& checkpoint, const JobSpec& job) {
  std::vector<std::string> found;
  const json now = job_to_json(job).flatten();
  const json then = checkpoint.job.flatten();
  std::set<std::string> pointers;
  for (const auto& [pointer, value] : now.items()) pointers.insert(pointer);
  for (const auto& [pointer, value] : then.items()) pointers.insert(pointer);
  for (const std::string& pointer : pointers) {
    const auto end = pointer.find('/', 1);
    if (kFree.contains(pointer.substr(1, end == std::string::npos ? end : end - 1))) continue;
    const json before = then.value(pointer, json());
    const json after = now.value(pointer, json());
    if (before == after) continue;
    std::string key = pointer.substr(1);
    for (char& c : key) {
      if (c == '/') c = '.';
    }
    found.push_back(difference(key, after, before));
  }
  return found;
}

}  // namespace ringtrain
