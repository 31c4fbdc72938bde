// SPDX-License-Identifier: Apache-2.0
// The folder `checkpoints` of a job's output, with a folder step-NNNNNNNN for each checkpoint.
// Names that begin with a dot are checkpoints being written or removed, perhaps by a job that was
// killed. Thread: one at a time, on rank 0.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "runtime/checkpoint/manifest.hpp"

namespace ringtrain {

struct FoundCheckpoint {
  std::filesystem::path path;
  Manifest manifest;
};

using Warn = std::function<void(const std::string& line)>;

// Returns everything named like a checkpoint, newest (highest step) first; nothing if there is no
// folder.
std::vector<std::filesystem::path> list_checkpoints(const std::filesystem::path& folder);

// Returns the newest checkpoint that is whole. Warns of each one that it skips.
std::optional<FoundCheckpoint> newest_good_checkpoint(const std::filesystem::path& folder,
                                                      const Warn& warn);

// Removes all but the newest `keep` checkpoints and the one with the best evaluation (highest
// accuracy where there is one, then lowest loss), and leftovers of killed jobs. Throws a data
// error.
void prune_checkpoints(const std::filesystem::path& folder, int keep);

// Moves the checkpoints of steps after `step` to the folder named `folder` with "-old" at its end,
// replacing its contents, so that they are not mistaken for the new run's. Returns their number.
// Throws a data error.
int set_later_checkpoints_aside(const std::filesystem::path& folder, int64_t step);

// A checkpoint that is being written: a folder under a temporary name. commit() makes it appear
// whole and safe on disk; without it the destructor removes it.
class PendingCheckpoint {
 public:
  // Makes `folder`, too, if it is missing. Throws a data error.
  PendingCheckpoint(const std::filesystem::path& folder, int64_t step);
  PendingCheckpoint(const PendingCheckpoint&) = delete;
  PendingCheckpoint& operator=(const PendingCheckpoint&) = delete;
  ~PendingCheckpoint();

  // Folder to write the parts to. Requires: each is flushed to disk before commit().
  const std::filesystem::path& path() const { return temporary_; }
  // Writes the manifest and returns the checkpoint's path. Replaces a checkpoint of the same step.
  std::filesystem::path commit(const Manifest& manifest);

 private:
  std::filesystem::path folder_;
  std::filesystem::path destination_;
  std::filesystem::path temporary_;
  bool committed_ = false;
};

}  // namespace ringtrain
