// SPDX-License-Identifier: Apache-2.0
// From a TrainInKube and the objects that exist for it to the next changes: a pure function, which
// is called again after every change and from time to time. Nothing is remembered beside the
// objects, so that an operator may be killed anywhere, and two of them do no harm.
//
//   build -> split -> MPIJob -> update -> Succeeded
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "mpijob/client/resource.hpp"
#include "mpijob/status/training_log.hpp"

namespace ringtrain::mpijob {

struct OperatorSettings {
  nlohmann::json defaults = nlohmann::json::object();  // read_defaults()
  // A pod whose image cannot be pulled, or whose container cannot start, for so long fails its
  // resource.
  std::chrono::seconds patience{600};
};

// Objects as the API server returns them.
struct ObservedResource {
  nlohmann::json resource;
  std::vector<nlohmann::json> jobs;         // batch/v1 Jobs with its label
  nlohmann::json mpijob;                    // of its name, whoever made it; null: none
  nlohmann::json launcher_job;              // null: none
  std::vector<nlohmann::json> config_maps;  // with its label
  std::vector<nlohmann::json> pods;         // with its label, or of an MPIJob of its name
  std::vector<nlohmann::json> events;       // warnings of the namespace
  TrainingLog log;                          // of the MPIJob's launcher
  Time now;
};

struct Plan {
  nlohmann::json finalizers;                   // the new list; null: stays
  std::vector<nlohmann::ordered_json> create;  // an object that exists is left as it is
  std::vector<nlohmann::ordered_json> submit;  // the MPIJob's objects
  std::vector<std::pair<Resource, std::string>> remove;
  nlohmann::json status;  // a merge patch; null: stays
};

Plan reconcile(const ObservedResource& observed, const OperatorSettings& settings);

}  // namespace ringtrain::mpijob
