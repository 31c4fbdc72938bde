// SPDX-License-Identifier: Apache-2.0
// What the Kubeflow MPI operator checks before it takes an MPIJob. The API server checks none of
// it, and the operator says so only in an event that nobody looks for, so we check first.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace ringtrain::mpijob {

// One line a broken rule, "spec.runPolicy.cleanPodPolicy: must be one of None, Running, All, found
// 'Some'". The rules are those of operator 0.8.2 (pkg/apis/kubeflow/validation), after its
// defaults.
std::vector<std::string> broken_operator_rules(const nlohmann::ordered_json& mpijob);

// Whether the name can be that of a Service: a label of RFC 1035.
bool is_dns_1035_label(const std::string& name);

}  // namespace ringtrain::mpijob
