// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>

#include "job/kubernetes_spec.hpp"

namespace ringtrain {

// By the job file's own keys, every default included but those of optional ones and empty sources.
void to_json(nlohmann::json& value, const KubernetesSpec& spec);

// From a value that fits the schema; keys that are missing take the defaults.
void from_json(const nlohmann::json& value, KubernetesSpec& spec);

}  // namespace ringtrain
