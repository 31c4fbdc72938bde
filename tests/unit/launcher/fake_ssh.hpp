// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::launcher {

// Puts a script in the place of ssh, first in PATH, for as long as it lives.
class FakeSsh {
 public:
  explicit FakeSsh(const std::string& script) : path_(std::getenv("PATH")) {
    const auto ssh = directory_.write("ssh", "#!/bin/sh\n" + script + "\n");
    std::filesystem::permissions(ssh, std::filesystem::perms::owner_all);
    ::setenv("PATH", (directory_.path().string() + ":" + path_).c_str(), 1);
  }
  FakeSsh(const FakeSsh&) = delete;
  FakeSsh& operator=(const FakeSsh&) = delete;
  ~FakeSsh() { ::setenv("PATH", path_.c_str(), 1); }

 private:
  const TemporaryDirectory directory_;
  const std::string path_;
};

}  // namespace ringtrain::launcher
