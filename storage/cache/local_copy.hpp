// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "storage/cache/host_cache.hpp"

namespace ringtrain::storage {

// A file of this machine with the bytes of a URL, read through the fetcher; removed with its owner.
class LocalCopy {
 public:
  // Throws a data error.
  LocalCopy(const std::string& url, const CacheOptions& options);
  LocalCopy(const LocalCopy&) = delete;
  LocalCopy& operator=(const LocalCopy&) = delete;
  ~LocalCopy();
  const std::filesystem::path& path() const { return path_; }

 private:
  void copy(const CachedObject& from) const;

  std::filesystem::path path_;
};

}  // namespace ringtrain::storage
