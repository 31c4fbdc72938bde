// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>

namespace ringtrain {

// history.jsonl: one JSON object a line, written as it happens.
class History {
 public:
  // Starts a new history, or for a resumed job keeps of the one that is there the lines of steps
  // below `first_step` (lines without a step, too). Throws a job error when the file cannot be
  // written.
  explicit History(const std::filesystem::path& file, int64_t first_step = 0);
  // Throws a job error, and leaves no half line before what comes next.
  void append(const nlohmann::ordered_json& line);

 private:
  std::filesystem::path path_;
  bool broken_ = false;  // the last line may be there in part
};

}  // namespace ringtrain
