// SPDX-License-Identifier: Apache-2.0
#include "storage/retry.hpp"

#include <algorithm>
#include <random>
#include <thread>

namespace ringtrain::storage {
namespace {

bool may_help(const net::HttpResponse& response) {
  const long status = response.status;
  return status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

bool may_help(net::HttpFailure failure) {
  return failure == net::HttpFailure::not_connected || failure == net::HttpFailure::other;
}

void wait(const RetryPolicy& policy, int attempt) {
  thread_local std::minstd_rand random(std::random_device{}());
  const auto most = std::min(policy.most, policy.first * (1 << std::min(attempt, 16)));
  std::uniform_int_distribution<int64_t> milliseconds(0, most.count());
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds(random)));
}

}  // namespace

net::HttpResponse send_with_retries(const RetryPolicy& policy,
                                    const std::function<net::HttpResponse()>& send) {
  for (int attempt = 0;; ++attempt) {
    const bool last = attempt + 1 >= policy.attempts;
    try {
      net::HttpResponse response = send();
      if (last || !may_help(response)) return response;
    } catch (const net::HttpError& error) {
      if (last || !may_help(error.failure())) throw;
    }
    wait(policy, attempt);
  }
}

}  // namespace ringtrain::storage
