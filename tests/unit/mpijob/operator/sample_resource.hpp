// SPDX-License-Identifier: Apache-2.0
// A TrainInKube as the API server returns it, and objects that an operator finds for it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "mpijob/operator/reconcile.hpp"
#include "mpijob/operator/train_in_kube.hpp"

namespace ringtrain::mpijob {

// The values of manifests/examples/t1.yaml of Train In Kubes.
inline nlohmann::json sample_resource() {
  return {{"apiVersion", "trainink8s.com/v1alpha1"},
          {"kind", "TrainInKube"},
          {"metadata",
           {{"name", "example"},
            {"namespace", "default"},
            {"uid", "u-1"},
            {"generation", 1},
            {"resourceVersion", "7"}}},
          {"spec",
           {{"modelImage", "buildjob:latest"},
            {"modelImagePullPolicy", "Never"},
            {"epochs", 5},
            {"batchSize", 10},
            {"numberOfSamples", 50000},
            {"preprocessedDatasetLocation", "/data/PreprocessedData"},
            {"splitDatasetLocation", "/data/Chunks"},
            {"modelsLocation", "/data"}}}};
}

inline Time noon() { return *parse_time("2026-11-28T12:00:00Z"); }

}  // namespace ringtrain::mpijob
