// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace ringtrain::benchmarks {

// Returns the first record of a file of --json, what its figures were measured with: command,
// program, compiler, machine and its libraries. Every entry is {"value", "how"}, as in MLPerf
// Storage's provenance records: how it is known ("runtime", "build"), and "unknown" as the value of
// what is not. No user, host or folder is named: paths of the command line are cut to their last
// part.
//
// python: the peers' interpreter; empty: none took part.
nlohmann::ordered_json provenance_record(const std::string& python);

}  // namespace ringtrain::benchmarks
