// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <optional>

#include "net/http_client.hpp"
#include "storage/retry.hpp"
#include "storage/s3/s3_settings.hpp"

namespace ringtrain::storage {

// The keys to sign with: those of the settings, or temporary ones for a web identity, which are
// fetched from STS and fetched anew before they expire.
// Thread: any number of threads.
class AwsCredentials {
 public:
  AwsCredentials(const S3Settings& settings, const RetryPolicy& retries)
      : settings_(settings), retries_(retries) {}

  // Returns nothing where requests are not signed. Throws a job error where STS refuses.
  std::optional<AwsKeys> keys(net::HttpClient& client);
  // Has temporary keys fetched anew, for the server says that they have expired.
  void forget();

 private:
  void assume_role(net::HttpClient& client);

  const S3Settings& settings_;
  const RetryPolicy retries_;
  std::mutex mutex_;
  std::optional<AwsKeys> temporary_;
  Time expires_;
};

}  // namespace ringtrain::storage
