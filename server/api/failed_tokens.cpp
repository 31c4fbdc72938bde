// SPDX-License-Identifier: Apache-2.0
#include "server/api/failed_tokens.hpp"

#include "server/problem.hpp"

namespace ringtrain::server {
namespace {

constexpr size_t kMostAddresses = 10000;

}  // namespace

void FailedTokens::check(const std::string& address) {
  const auto found = times_.find(address);
  if (found == times_.end()) return;
  const auto limit = std::chrono::steady_clock::now() - kWindow;
  while (!found->second.empty() && found->second.front() < limit) found->second.pop_front();
  if (found->second.size() >= kMost) {
    throw Problem(429, "too many requests with a wrong token or code: wait a minute");
  }
  if (found->second.empty()) times_.erase(found);
}

void FailedTokens::note(const std::string& address) {
  if (times_.size() > kMostAddresses) times_.clear();
  times_[address].push_back(std::chrono::steady_clock::now());
}

}  // namespace ringtrain::server
