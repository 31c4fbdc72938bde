// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

namespace ringtrain {

// One line about the rank that the others waited for, from what ranks have left in the job's output
// (flight-RANK.json, runtime/comm/flight_recorder.hpp). Empty where they left nothing since then
// (seconds since 1970). Files that are broken count as not there.
std::string who_is_behind(const std::filesystem::path& output, double since);

}  // namespace ringtrain
