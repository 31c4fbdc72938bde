// SPDX-License-Identifier: Apache-2.0
#include "mpijob/operator/train_in_kube.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "base/error.hpp"
#include "mpijob/client/json_path.hpp"
#include "mpijob/objects/operator_rules.hpp"

namespace ringtrain::mpijob {
namespace {

using nlohmann::json;

// The longest name of an object of a resource is that of its Job NAMEupdatemodel, whose pods need a
// label of at most 63 characters.
constexpr size_t kLongestName = 63 - sizeof("updatemodel") + 1;

constexpr int64_t kMostEpochs = 1'000'000;
constexpr int64_t kLargestBatch = 16'777'216;
constexpr int64_t kMostSamples = 1'000'000'000'000;

Error refusal(const char* field, const std::string& problem) {
  return job_error(fmt::format("spec.{}: {}", field, problem));
}

// Requires: the CRD has checked that fields are there and of their type; a resource that was made
// under another CRD is refused all the same.
std::string text_field(const json& spec, const char* field) {
  const std::string value = look_text(spec, {field});
  if (value.empty()) throw refusal(field, "is missing or empty");
  return value;
}

int64_t number_field(const json& spec, const char* field, int64_t most) {
  const json& value = look(spec, {field});
  if (!value.is_number_integer()) throw refusal(field, "must be a whole number");
  const bool too_large =
      value.is_number_unsigned() && value.get<uint64_t>() > static_cast<uint64_t>(most);
  if (too_large || value.get<int64_t>() < 1 || value.get<int64_t>() > most) {
    throw refusal(field, fmt::format("must be from 1 to {}, found {}", most, value.dump()));
  }
  return value.get<int64_t>();
}

std::string location_field(const json& spec, const char* field) {
  const std::string value = text_field(spec, field);
  const std::filesystem::path path(value);
  if (!path.is_absolute()) {
    throw refusal(field,
                  fmt::format("must be an absolute path, as the pods see it, found '{}'", value));
  }
  for (const auto& part : path) {
    if (part == "..") throw refusal(field, fmt::format("must not hold '..', found '{}'", value));
  }
  std::string normal = path.lexically_normal().string();
  if (normal.size() > 1 && normal.ends_with('/')) normal.pop_back();
  return normal;
}

std::string policy_field(const json& spec) {
  const char* const field = "modelImagePullPolicy";
  const std::string value = text_field(spec, field);
  if (value != "Never" && value != "IfNotPresent" && value != "Always") {
    throw refusal(field, fmt::format("must be Never, IfNotPresent or Always, found '{}'", value));
  }
  return value;
}

}  // namespace

TrainInKube read_train_in_kube(const json& resource) {
  TrainInKube result;
  result.name = name_of(resource);
  result.uid = look_text(resource, {"metadata", "uid"});
  if (!is_dns_1035_label(result.name) || result.name.size() > kLongestName) {
    throw job_error(fmt::format(
        "metadata.name: must be lower-case letters, digits and '-', start with a letter, and have "
        "at most {} characters, as a job's name has, found '{}'",
        kLongestName, result.name));
  }
  const json& spec = look(resource, {"spec"});
  result.model_image = text_field(spec, "modelImage");
  result.pull_policy = policy_field(spec);
  result.epochs = number_field(spec, "epochs", kMostEpochs);
  result.batch_size = number_field(spec, "batchSize", kLargestBatch);
  result.samples = number_field(spec, "numberOfSamples", kMostSamples);
  if (result.samples < result.batch_size) {
    throw refusal("numberOfSamples",
                  fmt::format("{} are fewer than batchSize, {}: there is no whole minibatch",
                              result.samples, result.batch_size));
  }
  result.dataset_location = location_field(spec, "preprocessedDatasetLocation");
  result.split_location = location_field(spec, "splitDatasetLocation");
  result.models_location = location_field(spec, "modelsLocation");
  const json& annotations = look(resource, {"metadata", "annotations"});
  result.job_keys = look_text(annotations, {kJobAnnotation});
  return result;
}

nlohmann::ordered_json owner_of(const TrainInKube& resource) {
  return {{"apiVersion", train_in_kubes.api_version},
          {"kind", train_in_kubes.singular},
          {"name", resource.name},
          {"uid", resource.uid},
          {"controller", true}};
}

bool belongs_to(const json& object, const TrainInKube& resource) {
  const json& owners = look(object, {"metadata", "ownerReferences"});
  if (!owners.is_array()) return false;
  for (const json& owner : owners) {
    if (look_text(owner, {"uid"}) == resource.uid) return true;
  }
  return false;
}

}  // namespace ringtrain::mpijob
