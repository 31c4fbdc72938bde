// SPDX-License-Identifier: Apache-2.0
// The resource TrainInKube (trainink8s.com/v1alpha1): its eight fields, checked.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "mpijob/client/resource.hpp"

namespace ringtrain::mpijob {

inline const Resource train_in_kubes{"trainink8s.com/v1alpha1", "traininkubes", "TrainInKube"};
inline const Resource train_in_kube_states{"trainink8s.com/v1alpha1", "traininkubes/status",
                                           "status of TrainInKube"};

// Names of this API group: the label of every object that belongs to a resource, with its name; the
// annotation that holds keys of the job file; the finalizer.
inline constexpr const char* kResourceLabel = "trainink8s.com/name";
inline constexpr const char* kJobAnnotation = "trainink8s.com/job";
inline constexpr const char* kFinalizer = "trainink8s.com/ringtrain";

struct TrainInKube {
  std::string name;
  std::string uid;
  std::string model_image;
  std::string pull_policy;  // Never, IfNotPresent, Always
  int64_t epochs = 1;
  int64_t batch_size = 1;
  int64_t samples = 1;
  // Absolute paths, as the pods see them.
  std::string dataset_location;
  std::string split_location;
  std::string models_location;
  std::string job_keys;  // YAML of kJobAnnotation; empty: none
};

// Reads a resource as the API server returns it. Throws a job error "spec.epochs: must be from 1 to
// 1000000, found 0" for a value that cannot be trained with.
TrainInKube read_train_in_kube(const nlohmann::json& resource);

// Returns an entry of ownerReferences, by which an object is deleted with its resource.
nlohmann::ordered_json owner_of(const TrainInKube& resource);

// Returns whether an object belongs to the resource, and not to an earlier one of the same name.
bool belongs_to(const nlohmann::json& object, const TrainInKube& resource);

}  // namespace ringtrain::mpijob
