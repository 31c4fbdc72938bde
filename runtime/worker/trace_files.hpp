// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "runtime/comm/world.hpp"
#include "runtime/observe/reporter.hpp"
#include "runtime/observe/trace.hpp"

namespace ringtrain {

// Writes this rank's trace alone, to `output`/trace-RANK.json: for a run that failed, so that the
// ranks cannot communicate. Warns if it cannot.
void write_own_trace(const Trace& trace, const std::filesystem::path& output, int rank,
                     const Reporter& reporter);

// Writes all ranks' traces to `output`/trace.json. Collective.
void write_joint_trace(const World& world, const Trace& trace, const std::filesystem::path& output);

}  // namespace ringtrain
