// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "serving/deploy/batcher.hpp"
#include "serving/deploy/deployments.hpp"

namespace ringtrain::serving {

struct LoadOptions {
  BatchLimits limits;
  int threads = 0;                  // that compute a batch; 0: torch's choice, all cores
  bool require_evaluation = false;  // refuses models without evaluation.json
};

// Loads a model that answers requests, from a path or a URL (remote_model.hpp): opens it, checks it
// against its evaluation.json where it has one, and runs it on batches of one and of many rows.
// Throws a data error of one line.
std::shared_ptr<Version> load_version(const std::string& name, const std::string& version,
                                      const std::string& path, const LoadOptions& options);

}  // namespace ringtrain::serving
