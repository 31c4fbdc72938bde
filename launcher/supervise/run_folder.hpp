// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>

#include "launcher/supervise/host_source.hpp"
#include "launcher/supervise/run_record.hpp"

namespace ringtrain::launcher {

// Whether this machine has the folder that rank 0 writes to.
bool has_output(const std::filesystem::path& output, const HostSource& hosts);

// Opens the record of a job's run in its output where this machine has that folder, unless the
// record is open elsewhere. Throws a job error.
void open_record(std::optional<RunRecord>& record, const std::filesystem::path& output,
                 const HostSource& hosts);

}  // namespace ringtrain::launcher
