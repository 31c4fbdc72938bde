// SPDX-License-Identifier: Apache-2.0
// A child that reads what strangers have sent: `ringtrain` itself, with limits and without the
// network. It ends with the server.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/file_descriptor.hpp"
#include "base/spawn.hpp"
#include "launcher/process/confine.hpp"

namespace ringtrain::server {

class ConfinedChild {
 public:
  // `words`: what follows `ringtrain`. It works in limits.directory, and its standard streams go to
  // files in `logs`. Throws std::system_error.
  ConfinedChild(const std::filesystem::path& program, const launcher::Confinement& limits,
                const std::vector<std::string>& words, const std::filesystem::path& logs);

  // Returns nothing while it runs, then whether it has succeeded.
  std::optional<bool> poll();
  // The newest progress that it has printed, 0 to 1.
  double progress() const;
  // Returns what it has printed on standard output.
  std::string output() const;
  // Lines on standard error, without the message that it ended with.
  std::vector<std::string> notes() const;
  // Why it failed: its own last message, or which limit it has reached.
  std::string error() const;

 private:
  const launcher::Confinement limits_;
  const std::filesystem::path out_;
  const std::filesystem::path err_;
  Child child_;
  std::optional<ExitStatus> status_;
};

}  // namespace ringtrain::server
