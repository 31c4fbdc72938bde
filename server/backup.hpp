// SPDX-License-Identifier: Apache-2.0
// A copy of a server's folder, taken while it serves: jobs, what was asked of them, how they ended,
// events, logs, results, tokens and the audit, without checkpoints and models. A server starts on
// it; the index is made anew from the folders, so that it fits them whatever happened meanwhile.
//
// A job that had not ended is stopped in the copy: a server of the copy never runs what the
// original still runs. Whoever restores it resumes the jobs by hand.
#pragma once

#include <cstdint>
#include <filesystem>

namespace ringtrain::server {

// Files of an output that are larger are left out, as weights are.
inline constexpr uint64_t kMostOutputBytes = uint64_t{4} << 20;

struct BackupSummary {
  size_t jobs = 0;
  size_t stopped = 0;   // in the copy alone: they have not ended in the original
  uint64_t bytes = 0;   // of the copy
  size_t left_out = 0;  // files
};

// Copies the server's folder `from` to `to`, which appears whole or not at all, readable by its
// owner alone. Throws a job error where `from` is no server's or `to` exists, and an io error where
// a disk refuses.
BackupSummary back_up(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace ringtrain::server
