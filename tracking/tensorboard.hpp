// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>

#include "job/events.hpp"
#include "tracking/event_file.hpp"

namespace ringtrain::tracking {

// Writes the charts of a job as event files: one folder a job, a file for each launcher. Ranks that
// start again from a checkpoint leave no step twice.
class TensorBoard {
 public:
  // Makes nothing before the first event that belongs into it.
  explicit TensorBoard(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // Throws an io error where the file cannot be made.
  void take(const EventRecord& record);

 private:
  const std::filesystem::path folder_;
  std::optional<EventFile> file_;
};

}  // namespace ringtrain::tracking
