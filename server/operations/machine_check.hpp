// SPDX-License-Identifier: Apache-2.0
// What `ringtrain doctor` says of this machine. It takes seconds, so it runs beside the server.
#pragma once

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/file_descriptor.hpp"
#include "base/spawn.hpp"

namespace ringtrain::server {

class MachineCheck {
 public:
  // program: `ringtrain`.
  explicit MachineCheck(std::filesystem::path program) : program_(std::move(program)) {}

  // Returns {"running", "checked", "can_train", "findings", "error"}: whether a check is under way,
  // and what the last one said, and when. Begins one where the last one is older than ten minutes.
  nlohmann::ordered_json look();

 private:
  void begin();
  void take(const ExitStatus& status);

  const std::filesystem::path program_;
  std::optional<Child> child_;
  FileDescriptor output_;
  std::chrono::steady_clock::time_point ended_at_;
  // The last check; null before it.
  nlohmann::ordered_json checked_, can_train_;
  nlohmann::ordered_json findings_ = nlohmann::ordered_json::array();
  std::string error_;
};

}  // namespace ringtrain::server
