// SPDX-License-Identifier: Apache-2.0
// Slows down whoever guesses tokens: after 20 wrong ones in a minute an address gets no answer to
// the next, right or wrong.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <string>

namespace ringtrain::server {

class FailedTokens {
 public:
  static constexpr size_t kMost = 20;
  static constexpr std::chrono::minutes kWindow{1};

  // Throws a Problem 429 where the address has sent too many wrong ones.
  void check(const std::string& address);
  // Counts a wrong one.
  void note(const std::string& address);

 private:
  std::map<std::string, std::deque<std::chrono::steady_clock::time_point>> times_;
};

}  // namespace ringtrain::server
