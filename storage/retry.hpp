// SPDX-License-Identifier: Apache-2.0
// Requests that are sent again where that may help: the server is busy (429, 503) or failed (500,
// 502, 504), or the connection broke.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "net/http_client.hpp"

namespace ringtrain::storage {

struct RetryPolicy {
  int attempts = 8;
  // The wait before the n-th repetition is chosen at random up to first * 2^n, or `most`: clients
  // that were refused together do not come back together (Brooker 2015, "full jitter").
  std::chrono::milliseconds first{200};
  std::chrono::milliseconds most{10'000};
};

// Calls `send` until it returns an answer that is not worth a repetition, and returns that; the
// last one where none is. Throws what `send` throws if that is no broken connection.
// Requires: the request may be sent twice.
net::HttpResponse send_with_retries(const RetryPolicy& policy,
                                    const std::function<net::HttpResponse()>& send);

}  // namespace ringtrain::storage
