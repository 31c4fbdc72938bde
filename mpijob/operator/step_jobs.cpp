// SPDX-License-Identifier: Apache-2.0
#include "mpijob/operator/step_jobs.hpp"

#include "mpijob/client/json_path.hpp"
#include "mpijob/objects/pods.hpp"

namespace ringtrain::mpijob {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

// Number of times that a step's pod is made again after a failure.
constexpr int kRetries = 1;

ordered_json metadata(const TrainInKube& resource, const std::string& name) {
  return {{"name", name},
          {"labels",
           {{"app.kubernetes.io/name", "ringtrain"},
            {"app.kubernetes.io/instance", resource.name},
            {"app.kubernetes.io/managed-by", "ringtrain"},
            {kResourceLabel, resource.name}}},
          {"ownerReferences", ordered_json::array({owner_of(resource)})}};
}

// Returns whether the model is the one that the user's image writes, not one that the annotation
// names.
bool uses_built_model(const TrainInKube& resource, const JobSpec& job) {
  return job.model.starts_with(resource.models_location + "/model.");
}

StepContainer container_of(const TrainInKube& resource, const JobSpec& job, Step step) {
  switch (step) {
    case Step::build:
      return {.name = "build",
              .image = resource.model_image,
              .pull_policy = resource.pull_policy,
              .command = {},
              .env = {{"MODEL_STORAGE_LOCATION", resource.models_location}}};
    case Step::split:
      return {.name = "split",
              .image = "",
              .pull_policy = "",
              .command = {"ringtrain-steps", "split", resource.dataset_location,
                          dataset_of(resource), output_of(resource),
                          uses_built_model(resource, job) ? resource.models_location : ""},
              .env = {}};
    case Step::update:
      break;
  }
  return {.name = "update",
          .image = "",
          .pull_policy = "",
          .command = {"ringtrain-steps", "update", output_of(resource), resource.models_location,
                      dataset_of(resource)},
          .env = {}};
}

}  // namespace

std::string name_of_step(const TrainInKube& resource, Step step) {
  switch (step) {
    case Step::build:
      return resource.name + "buildmodel";
    case Step::split:
      return resource.name + "splitdata";
    case Step::update:
      break;
  }
  return resource.name + "updatemodel";
}

ordered_json parameters_map(const TrainInKube& resource) {
  return {{"apiVersion", "v1"},
          {"kind", "ConfigMap"},
          {"metadata", metadata(resource, resource.name)},
          {"data",
           {{"epochs", std::to_string(resource.epochs)},
            {"batchSize", std::to_string(resource.batch_size)},
            {"numberOfSamples", std::to_string(resource.samples)},
            {"preprocessedDatasetLocation", resource.dataset_location},
            {"splitDatasetLocation", resource.split_location},
            {"modelsLocation", resource.models_location}}}};
}

ordered_json step_job(const TrainInKube& resource, const JobSpec& job, Step step) {
  ordered_json pod = step_template(job, container_of(resource, job, step));
  pod["metadata"]["labels"][kResourceLabel] = resource.name;
  return {{"apiVersion", "batch/v1"},
          {"kind", "Job"},
          {"metadata", metadata(resource, name_of_step(resource, step))},
          {"spec", {{"backoffLimit", kRetries}, {"template", std::move(pod)}}}};
}

std::optional<SplitResult> split_result(const TrainInKube& resource,
                                        const std::vector<json>& seen) {
  for (const json& pod : seen) {
    if (label_of(pod, "job-name") != name_of_step(resource, Step::split)) continue;
    const json& statuses = look(pod, {"status", "containerStatuses"});
    if (!statuses.is_array() || statuses.empty()) continue;
    const json& terminated = look(statuses[0], {"state", "terminated"});
    if (look_number(terminated, {"exitCode"}, 1) != 0) continue;
    const json found = json::parse(look_text(terminated, {"message"}), nullptr, false);
    const int64_t rows = look_number(found, {"train_rows"});
    if (rows > 0) return SplitResult{look_text(found, {"model"}), rows};
  }
  return std::nullopt;
}

}  // namespace ringtrain::mpijob
