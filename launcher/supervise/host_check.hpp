// SPDX-License-Identifier: Apache-2.0
// Whether hosts answer, by what training needs of them: a command over ssh. That takes in their
// names (DNS), their ports (TCP) and our keys, with the user's own ssh configuration.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "base/file_descriptor.hpp"
#include "base/spawn.hpp"

namespace ringtrain::launcher {

// What stands between us and a host, from what ssh says: "its name is not known (DNS): ...".
std::string problem_from(const std::string& ssh_says);

// One round of questions, all hosts at the same time; it does not block.
class HostCheck {
 public:
  using Clock = std::chrono::steady_clock;

  explicit HostCheck(const std::vector<std::string>& hosts);

  // Takes up answers. True when there is one from every host; within 10 seconds.
  bool done();

  // By host; empty: it answers. Complete when done() is true.
  const std::map<std::string, std::string>& problems() const { return problems_; }

 private:
  struct Question {
    std::string host;
    Child ssh;
    FileDescriptor says;  // stderr of ssh
  };
  void start(const std::string& host);

  std::vector<std::string> to_ask_;
  std::vector<Question> asked_;
  std::map<std::string, std::string> problems_;
  Clock::time_point deadline_;
};

}  // namespace ringtrain::launcher
