// SPDX-License-Identifier: Apache-2.0
#include "storage/s3/s3_url.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "base/error.hpp"

namespace ringtrain::storage {
namespace {

// Those of AWS, and the older ones with capitals and underscores. Nothing that would end a host's
// name or a path.
bool is_bucket(std::string_view name) {
  return name.size() >= 3 && name.size() <= 255 && name.front() != '.' && name.front() != '-' &&
         name.find("..") == std::string_view::npos &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '.' || c == '_';
         });
}

}  // namespace

S3Url parse_s3_url(std::string_view url) {
  constexpr size_t kScheme = 5;  // s3://
  const size_t slash = std::min(url.find('/', kScheme), url.size());
  S3Url parsed{std::string(url.substr(kScheme, slash - kScheme)),
               std::string(url.substr(std::min(slash + 1, url.size())))};
  if (parsed.bucket.empty()) {
    const char* const named = std::getenv("datasetsbucket");
    parsed.bucket = named != nullptr ? named : "";
  }
  if (parsed.bucket.empty()) {
    throw job_error(
        fmt::format("{}: names no bucket: must be s3://BUCKET/KEY, or the variable "
                    "datasetsbucket must name one",
                    url));
  }
  if (!is_bucket(parsed.bucket)) {
    throw job_error(fmt::format("{}: must be s3://BUCKET/KEY, and {} is no name of a bucket", url,
                                parsed.bucket));
  }
  constexpr size_t kLongestKey = 1024;
  if (parsed.key.size() > kLongestKey) {
    throw job_error(fmt::format("{}...: the key has {} bytes, S3 takes {}", url.substr(0, 64),
                                parsed.key.size(), kLongestKey));
  }
  return parsed;
}

}  // namespace ringtrain::storage
