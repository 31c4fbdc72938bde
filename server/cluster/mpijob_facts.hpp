// SPDX-License-Identifier: Apache-2.0
// Facts that the follower of a run reads from an MPIJob and its pods.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace ringtrain::server {

bool has_ended(const nlohmann::json& mpijob);
std::string uid_of(const nlohmann::json& mpijob);
// Whether Kueue alone starts and stops it.
bool is_of_kueue(const nlohmann::json& mpijob);

// Returns the names of launchers that have ended. `pods`: a List.
std::vector<std::string> ended_launchers(const nlohmann::json& pods);
// Returns the code with which a launcher's container has ended; nothing where it runs.
std::optional<int> exit_code_of(const nlohmann::json& launcher);

}  // namespace ringtrain::server
