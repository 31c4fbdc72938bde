// SPDX-License-Identifier: Apache-2.0
// Files of web servers, by http and https.
#pragma once

#include <memory>
#include <string>

#include "storage/retry.hpp"
#include "storage/source.hpp"

namespace ringtrain::storage {

struct WebOptions {
  // Refuses addresses of this machine and of private networks (net/public_address.hpp): for a URL
  // that somebody else has chosen.
  bool public_addresses_only = false;
  RetryPolicy retries = {};
};

// Opens a file at its present version. Redirects are followed on the same host alone, so that no
// server can lead this program elsewhere. Throws a data error.
std::unique_ptr<Source> open_web_file(const std::string& url, const WebOptions& options = {});

}  // namespace ringtrain::storage
