// SPDX-License-Identifier: Apache-2.0
#include "mpijob/operator/training_job.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/error.hpp"
#include "job/document.hpp"
#include "job/json.hpp"
#include "job/parse.hpp"
#include "job/yaml.hpp"
#include "mpijob/objects/render.hpp"

namespace ringtrain::mpijob {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

// Train In Kubes divides a minibatch among 6 Jobs and makes a new SGD optimizer with a rate of 0.01
// for every one (its examples/gradientaveraging), on /data of the node.
json as_train_in_kubes() {
  return {{"optimizer", {{"type", "sgd"}, {"learning_rate", 0.01}, {"momentum", 0}}},
          {"kubernetes",
           {{"workers", 1},
            {"slots_per_worker", 6},
            {"volumes", json::array({{{"mount", "/data"}, {"host_path", "/data"}}})}}}};
}

json keys_of_fields(const TrainInKube& resource, const SplitResult* split) {
  json keys = {{"name", resource.name},
               {"dataset", dataset_of(resource)},
               {"output", output_of(resource)},
               {"epochs", resource.epochs},
               {"batch_size", resource.batch_size},
               {"samples", resource.samples},
               {"model", split != nullptr ? split->model : resource.models_location + "/model.pt"}};
  if (split != nullptr) keys["samples"] = std::min(resource.samples, split->train_rows);
  return keys;
}

bool is_on_a_volume(const std::string& location, const KubernetesSpec& spec) {
  return std::any_of(spec.volumes.begin(), spec.volumes.end(), [&](const VolumeSpec& volume) {
    const auto inside = std::filesystem::path(location).lexically_relative(volume.mount);
    return !inside.empty() && *inside.begin() != "..";
  });
}

void check_locations(const TrainInKube& resource, const KubernetesSpec& spec) {
  const std::pair<const char*, const std::string*> locations[] = {
      {"preprocessedDatasetLocation", &resource.dataset_location},
      {"splitDatasetLocation", &resource.split_location},
      {"modelsLocation", &resource.models_location}};
  for (const auto& [field, location] : locations) {
    if (is_on_a_volume(*location, spec)) continue;
    throw job_error(fmt::format(
        "spec.{}: {} is on no volume of the pods: name one under kubernetes.volumes in the "
        "annotation {}, or choose a path below {}",
        field, *location, kJobAnnotation,
        spec.volumes.empty() ? "a volume" : spec.volumes.front().mount));
  }
}

json read_keys(const std::string& text, const std::string& name) {
  json keys = parse_yaml(text, name).value;
  if (!keys.is_object()) {
    throw job_error(
        fmt::format("{}: must be keys of the job file, as in 'optimizer: "
                    "{{learning_rate: 0.1}}'",
                    name));
  }
  for (const char* ours : {"name", "dataset", "output", "script"}) {
    if (keys.contains(ours)) {
      throw job_error(fmt::format("{}: {}: is the operator's own: leave it out", name, ours));
    }
  }
  if (keys.contains("kubernetes") && keys["kubernetes"].is_object() &&
      keys["kubernetes"].contains("namespace")) {
    throw job_error(fmt::format(
        "{}: kubernetes.namespace: a job runs in the namespace of its TrainInKube: leave it out",
        name));
  }
  return keys;
}

std::string annotation_name() { return fmt::format("annotation {}", kJobAnnotation); }

}  // namespace

json read_defaults(const std::string& text, const std::string& name) {
  json keys = read_keys(text, name);
  if (keys.contains("model")) {
    throw job_error(fmt::format("{}: model: every TrainInKube has its own: leave it out", name));
  }
  json whole = as_train_in_kubes();
  whole.merge_patch(keys);
  whole.merge_patch({{"model", "lenet5"}, {"dataset", "/d"}, {"output", "/o"}});
  try {
    parse_job_text(whole.dump(), name);
  } catch (const RefusedKey& refused) {
    throw job_error(fmt::format("{}: {}: {}", name, refused.path(), refused.problem()));
  }
  return keys;
}

JobSpec training_job(const TrainInKube& resource, const json& defaults, const SplitResult* split) {
  json keys = as_train_in_kubes();
  keys.merge_patch(defaults);
  keys.merge_patch(keys_of_fields(resource, split));
  if (!resource.job_keys.empty()) keys.merge_patch(read_keys(resource.job_keys, annotation_name()));
  JobSpec job;
  try {
    job = parse_job_text(keys.dump(), annotation_name());
  } catch (const RefusedKey& refused) {
    throw job_error(
        fmt::format("{}: {}: {}", annotation_name(), refused.path(), refused.problem()));
  }
  check_locations(resource, job.kubernetes.value_or(KubernetesSpec{}));
  return job;
}

std::vector<ordered_json> training_objects(const TrainInKube& resource, const JobSpec& job) {
  std::vector<ordered_json> objects = render(job, print_job_file(job));
  for (ordered_json& object : objects) {
    ordered_json& metadata = object["metadata"];
    metadata["labels"][kResourceLabel] = resource.name;
    metadata["ownerReferences"] = ordered_json::array({owner_of(resource)});
  }
  return objects;
}

std::string dataset_of(const TrainInKube& resource) {
  return resource.split_location + "/" + resource.name + ".h5";
}

std::string output_of(const TrainInKube& resource) {
  return resource.models_location + "/" + resource.name;
}

}  // namespace ringtrain::mpijob
