// SPDX-License-Identifier: Apache-2.0
// Asks hosts for what training needs of them: a command over ssh. That takes in their names (DNS),
// their ports (TCP) and our keys, with the user's own ssh configuration.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/deadline.hpp"
#include "base/file_descriptor.hpp"
#include "base/spawn.hpp"
#include "launcher/supervise/ranks.hpp"

namespace ringtrain::launcher {

// Returns the obstacle between us and a host, from ssh's messages: "its name is not known (DNS)".
std::string problem_from(const std::string& messages);

class SshHostCheck : public HostCheck {
 public:
  explicit SshHostCheck(const std::vector<Host>& hosts);
  bool done() override;
  const std::map<std::string, std::string>& problems() const override { return problems_; }

 private:
  struct Question {
    std::string host;
    Child ssh;
    FileDescriptor messages;  // stderr of ssh
  };
  void start(const std::string& host);

  std::vector<std::string> to_ask_;
  std::vector<Question> asked_;
  std::map<std::string, std::string> problems_;
  Deadline deadline_;
};

}  // namespace ringtrain::launcher
