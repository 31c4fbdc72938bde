// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace ringtrain::net {

// Is called as bytes arrive, where the server gives the size.
using DownloadProgress = std::function<void(uint64_t done, uint64_t total)>;

// Returns the body of a GET over http or https, following up to five redirects, with proxies from
// the usual environment variables. Throws a data error with the URL and the reason: unreachable,
// not found, silent for 30 seconds, larger than `max_bytes`.
std::string download(const std::string& url, uint64_t max_bytes,
                     const DownloadProgress& progress = {});

}  // namespace ringtrain::net
