// SPDX-License-Identifier: Apache-2.0
// The folder `checkpoints` of a job's output: one folder a checkpoint, step-NNNNNNNN. Everything
// here belongs to rank 0; names that begin with a dot are work under way or what a killed job left.
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

// Whatever is called like a checkpoint, newest (highest step) first. Empty where there is no
// folder.
std::vector<std::filesystem::path> list_checkpoints(const std::filesystem::path& folder);

// The newest checkpoint that is whole. Those passed over are named in a warning each.
std::optional<FoundCheckpoint> newest_good_checkpoint(const std::filesystem::path& folder,
                                                      const Warn& warn);

// Removes all but the newest `keep` and the one with the best evaluation (highest accuracy, then
// lowest loss), and what killed jobs have left. Throws a data error.
void prune_checkpoints(const std::filesystem::path& folder, int keep);

// Moves checkpoints of later steps than `step` to the folder's name with "-old" at its end, in
// place of what is there: a new start must not be mistaken for their continuation. Returns how
// many. Throws a data error.
int set_later_checkpoints_aside(const std::filesystem::path& folder, int64_t step);

// A checkpoint that is being written: a folder under a temporary name. commit() makes it appear
// whole and safe on disk; without it the destructor removes it.
class PendingCheckpoint {
 public:
  // Makes `folder`, too, where it is missing. Throws a data error.
  PendingCheckpoint(const std::filesystem::path& folder, int64_t step);
  PendingCheckpoint(const PendingCheckpoint&) = delete;
  PendingCheckpoint& operator=(const PendingCheckpoint&) = delete;
  ~PendingCheckpoint();

  // Where to write the parts, flushed to disk each.
  const std::filesystem::path& path() const { return temporary_; }
  // Returns the checkpoint's path. A checkpoint of the same step is replaced.
  std::filesystem::path commit(const Manifest& manifest);

 private:
  std::filesystem::path folder_;
  std::filesystem::path destination_;
  std::filesystem::path temporary_;
  bool committed_ = false;
};

}  // namespace ringtrain
