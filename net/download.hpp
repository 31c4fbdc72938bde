// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace ringtrain::net {

// Called now and then with the bytes received and expected.
using DownloadProgress = std::function<void(uint64_t done, uint64_t total)>;

// The body of a GET over http or https, following up to five redirects, with proxies from the usual
// environment variables. Throws a data error with the URL's host and the reason: unreachable, not
// found, silent for 30 seconds, larger than `max_bytes`.
std::string download(const std::string& url, uint64_t max_bytes,
                     const DownloadProgress& progress = {});

}  // namespace ringtrain::net
