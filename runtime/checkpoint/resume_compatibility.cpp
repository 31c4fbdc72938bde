// SPDX-License-Identifier: Apache-2.0
#include "runtime/checkpoint/resume_compatibility.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "job/json.hpp"
#include "job/keys/key.hpp"
#include "job/models.hpp"

namespace ringtrain {
namespace {

using nlohmann::json;

std::string shown(const json& value) { return value.is_null() ? "not set" : value.dump(); }

std::string difference(const std::string& key, const json& now, const json& then) {
  return fmt::format("{} is {}, the checkpoint's {}", key, shown(now), shown(then));
}

json at(const json& job, std::string path) {
  std::replace(path.begin(), path.end(), '.', '/');
  const json::json_pointer where("/" + path);
  return job.is_object() && job.contains(where) ? job.at(where) : json();
}

}  // namespace

std::vector<std::string> conflicts(const Manifest& checkpoint, const JobSpec& job,
                                   const datasets::DatasetIndex& dataset) {
  std::vector<std::string> found;
  const json now = job_to_json(job);
  const json& then = checkpoint.job;
  const auto compare = [&](const std::string& key) {
    if (at(now, key) != at(then, key))
      found.push_back(difference(key, at(now, key), at(then, key)));
  };
  for (const std::string& key : keys_on_resume(OnResume::fixed)) {
    // A TorchScript file may have been moved. Its tensors are compared later.
    if (key != "model" || !is_torchscript_path(job.model)) compare(key);
  }
  const auto has_momentum = [](const json& j) { return at(j, "optimizer.momentum") != 0; };
  if (has_momentum(now) != has_momentum(then)) compare("optimizer.momentum");
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
    const json before = then.value(pointer, json());
    const json after = now.value(pointer, json());
    std::string key = pointer.substr(1);
    std::replace(key.begin(), key.end(), '/', '.');
    if (before == after || on_resume(key) == OnResume::silent) continue;
    found.push_back(difference(key, after, before));
  }
  return found;
}

}  // namespace ringtrain
