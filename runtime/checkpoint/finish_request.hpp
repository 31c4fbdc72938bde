// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <filesystem>

namespace ringtrain {

// Looks for the file that asks a run to end (job/outcome_file.hpp), a few times a second.
// Thread: one at a time.
class FinishRequest {
 public:
  using Clock = std::chrono::steady_clock;
  explicit FinishRequest(std::filesystem::path output) : output_(std::move(output)) {}

  // Whether the file was there when it was last looked for.
  bool is_there(Clock::time_point now = Clock::now());

 private:
  std::filesystem::path output_;
  Clock::time_point looked_at_{};
  bool is_there_ = false;
};

}  // namespace ringtrain
