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

// Writes snapshots below a folder, in a thread of its own, one at a time: weights.safetensors (what
// model.safetensors would be), optimizer.safetensors, and the manifest last; then removes what need
// not be kept. A failure, as of a full disk, is told and changes nothing that was there before.
// Belongs to the training thread of rank 0.
class CheckpointWriter {
 public:
  CheckpointWriter(std::filesystem::path folder, int keep)
      : folder_(std::move(folder)), keep_(keep) {}

  struct Outcome {
    int64_t step = 0;
    std::filesystem::path path;  // of the checkpoint
    uint64_t bytes = 0;
    double seconds = 0;     // from the start of the write to the disk's word that all is there
    std::string failure;    // one line; empty: the checkpoint is there
    std::string complaint;  // what went wrong after that
  };

  // Starts a write. The snapshot must stay as it is until idle(); model and layout give the names.
  void write(const Snapshot& snapshot, const Model& model, const SlabLayout& layout,
             Manifest manifest);
  // No write is under way.
  bool idle() const;
  // What has become of the last write, once, when it has ended; with `wait` after its end.
  std::optional<Outcome> outcome(bool wait);

 private:
  std::filesystem::path folder_;
  int keep_;
  std::future<Outcome> write_;  // its destructor waits
};

}  // namespace ringtrain
