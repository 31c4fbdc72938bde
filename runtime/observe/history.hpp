// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace ringtrain {

// The file history.jsonl: one JSON object a line, each written at once.
class History {
 public:
  // Starts a new history. For a resumed job (first_step > 0), keeps the existing lines of steps
  // below `first_step`, and lines without a step. Throws a job error if the file cannot be written.
  explicit History(const std::filesystem::path& file, int64_t first_step = 0);
  // Throws a job error if the line cannot be written. The next line starts on its own line even if
  // a part of this one was written.
  void append(const std::string& line);

 private:
  std::filesystem::path path_;
  bool broken_ = false;  // the last line may be incomplete
};

}  // namespace ringtrain
