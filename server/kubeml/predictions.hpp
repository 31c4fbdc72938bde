// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/file_descriptor.hpp"
#include "base/spawn.hpp"
#include "net/http_server.hpp"

namespace ringtrain::server {

// Predictions by trained functions, each in a process of its own (python/kubeml/infer.py), so that
// the server never waits for one.
// Thread: one at a time.
class Predictions {
 public:
  // `most`: at a time. One that takes longer than `limit` is ended.
  Predictions(size_t most, std::chrono::seconds limit) : most_(most), limit_(limit) {}
  ~Predictions() { stop(); }
  Predictions(const Predictions&) = delete;
  Predictions& operator=(const Predictions&) = delete;

  // Starts one and returns its answer, which waits until it has ended. `body`: of POST /infer;
  // `output`: of the network's job; what the function prints goes to infer.log there. Throws a
  // Problem 503 where too many run, and an io error.
  net::Answer start(const std::filesystem::path& output, const std::filesystem::path& datasets,
                    const std::string& body);
  // Answers those that have ended; ends those whose time is up.
  void tick();
  // Ends all, without an answer.
  void stop();
  size_t running() const { return running_.size(); }
  size_t most() const { return most_; }
  std::chrono::seconds limit() const { return limit_; }

 private:
  struct Running {
    Child process;
    FileDescriptor answer;  // the file that it prints to
    std::shared_ptr<net::HttpPending> pending;
    std::shared_ptr<std::string> text;  // of the answer
    std::chrono::steady_clock::time_point started;
  };
  bool look_at(Running& one) const;

  const size_t most_;
  const std::chrono::seconds limit_;
  std::vector<Running> running_;
};

}  // namespace ringtrain::server
