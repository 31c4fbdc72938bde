// SPDX-License-Identifier: Apache-2.0
// One `ringtrain serve` of the server: a child that is started again when it ends, and takes other
// versions while it answers.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "base/spawn.hpp"
#include "server/operations/background.hpp"

namespace ringtrain::server {

struct DeployedModelOptions {
  std::filesystem::path program;  // `ringtrain`
  std::filesystem::path folder;   // for its output and its token; is there
  std::string address;            // to listen on, as 127.0.0.1
};

// Thread: one at a time. The child ends with it.
class DeployedModel {
 public:
  // `name`: by which requests name the model. `port`: that it had before; 0: any free one.
  DeployedModel(DeployedModelOptions options, std::string name, std::filesystem::path model,
                uint16_t port);

  // Replaces the model: a child that answers loads the new one beside the old one and loses no
  // request. Throws a Problem 409 while an earlier change is under way.
  void replace(const std::filesystem::path& model);

  // Takes the next steps that need no waiting: reads what the child says, starts it again.
  void tick();

  // "Starting", "Ready", "Changing" or "Failed", with its reason in error().
  const char* state() const;
  const std::string& error() const { return error_; }
  // Whether the last replace() was refused, so that the model before it still answers.
  bool change_failed() const { return change_failed_; }
  uint16_t port() const { return port_; }
  int starts() const { return starts_; }

 private:
  using Clock = std::chrono::steady_clock;

  void start();
  void read_port();
  void take_end(const ExitStatus& status);
  void take_change();

  const DeployedModelOptions options_;
  const std::string name_;
  std::filesystem::path model_;
  std::filesystem::path earlier_model_ = {};  // while a change is under way
  uint16_t port_;
  bool is_ready_ = false;
  bool change_failed_ = false;
  int starts_ = 0;
  std::string token_ = {};  // of the child's administrator
  std::string error_ = {};
  std::chrono::seconds pause_{1};  // before the next start
  Clock::time_point next_start_{};
  std::optional<Child> child_ = {};
  std::unique_ptr<Background> change_ = {};
};

}  // namespace ringtrain::server
