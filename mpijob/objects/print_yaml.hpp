// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace ringtrain::mpijob {

// Prints the objects as YAML documents, for people to read and for `kubectl apply -f -`: keys in
// the objects' order, strings of several lines as blocks, and a comment where a value does not
// explain itself. Every string that YAML could take for something else is in quotes.
std::string print_yaml(const std::vector<nlohmann::ordered_json>& objects);

}  // namespace ringtrain::mpijob
