// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <future>
#include <optional>
#include <string>

#include "runtime/checkpoint/manifest.hpp"
#include "runtime/checkpoint/snapshot.hpp"

namespace ringtrain {

// Writes snapshots to a folder, in a thread of its own, one at a time: weights.safetensors (the
// tensors of model.safetensors), optimizer.safetensors, and the manifest last; then removes old
// checkpoints. A failure, such as a full disk, is reported and leaves earlier checkpoints
// untouched. Thread: the training thread of rank 0.
class CheckpointWriter {
 public:
  CheckpointWriter(std::filesystem::path folder, int keep)
      : folder_(std::move(folder)), keep_(keep) {}

  struct Outcome {
    int64_t step = 0;
    std::filesystem::path path;  // the checkpoint's folder
    uint64_t bytes = 0;
    double seconds = 0;     // from the start of the write until all is flushed to disk
    std::string failure;    // one line; empty: the checkpoint is complete
    std::string complaint;  // problem with the removal of old checkpoints
  };

  // Starts a write. Requires: idle(), and the snapshot stays unchanged until idle() again. model
  // and layout give the tensors their names.
  void write(const Snapshot& snapshot, const Model& model, const SlabLayout& layout,
             Manifest manifest);
  // Returns true if no write is under way.
  bool idle() const;
  // Returns the outcome of the last write, once, if it has ended. If `wait`, waits for its end.
  std::optional<Outcome> outcome(bool wait);

 private:
  std::filesystem::path folder_;
  int keep_;
  std::future<Outcome> write_;  // its destructor waits
};

}  // namespace ringtrain
