// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/spawn.hpp"
#include "job/events.hpp"

namespace ringtrain::launcher {

// How the process of a script has ended, and what is known of the reason.
struct ScriptEnd {
  ExitStatus status;
  std::string standard_error;     // the end of it
  bool restart_failures = false;  // the user wants exceptions restarted, too
  bool being_ended = false;       // we were asked to end it
};

// Returns the report on it; rank, host and log are left empty. Returns nothing where it only did
// what it was asked: another rank is the reason.
std::optional<RankEndedEvent> report_on(const ScriptEnd& end, const std::filesystem::path& folder);

}  // namespace ringtrain::launcher
