// SPDX-License-Identifier: Apache-2.0
// Checks of the Kubeflow MPI operator before it accepts an MPIJob. The API server makes none of
// them, and the operator reports a refusal only in an event, which is easy to miss, so we check
// first.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace ringtrain::mpijob {

// Returns one line for each broken rule, "spec.runPolicy.cleanPodPolicy: must be one of None,
// Running, All, found 'Some'". The rules are those of operator 0.8.2
// (pkg/apis/kubeflow/validation), after its defaults.
std::vector<std::string> broken_operator_rules(const nlohmann::ordered_json& mpijob);

// Returns whether a Service can have the name: a label of RFC 1035.
bool is_dns_1035_label(const std::string& name);

}  // namespace ringtrain::mpijob
