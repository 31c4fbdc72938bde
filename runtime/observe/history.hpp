// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace ringtrain {

// history.jsonl: one JSON object a line, written as it happens.
class History {
 public:
  // Starts a new history. Throws JobError when the file cannot be written.
  explicit History(const std::filesystem::path& file);
  void append(const nlohmann::ordered_json& line);

 private:
  std::filesystem::path path_;
  std::ofstream file_;
};

}  // namespace ringtrain
