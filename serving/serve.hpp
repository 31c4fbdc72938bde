// SPDX-License-Identifier: Apache-2.0
// The program of `ringtrain serve`: models behind HTTP until a signal.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "serving/deploy/batcher.hpp"

namespace ringtrain::serving {

struct ServeOptions {
  std::vector<std::string> models;  // "NAME=PATH", or a path
  std::string listen = "127.0.0.1:8000";
  BatchLimits limits;
  uint32_t max_rows = 1024;    // of a request
  uint64_t max_body = 16;      // MiB
  uint64_t timeout_ms = 1000;  // until a request must be computed
  int threads = 0;             // of a model; 0: all cores
  std::filesystem::path admin_token_file = {};
  std::filesystem::path certificate = {};  // PEM; with key: TLS
  std::filesystem::path key = {};
  bool require_evaluation = false;
};

// Serves until SIGINT or SIGTERM; then it answers what it has accepted, at most 10 s. Throws an
// Error of one line where it cannot begin.
void serve(const ServeOptions& options);

}  // namespace ringtrain::serving
