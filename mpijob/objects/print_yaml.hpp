// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace ringtrain::mpijob {

// The objects as YAML documents, for people to read and `kubectl apply -f -` to take: keys in the
// objects' order, texts of several lines as blocks, and a comment where the reason for a value
// cannot be seen from it. Every text that YAML could take for something else stands in quotes.
std::string print_yaml(const std::vector<nlohmann::ordered_json>& objects);

}  // namespace ringtrain::mpijob
