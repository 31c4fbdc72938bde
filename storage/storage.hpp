// SPDX-License-Identifier: Apache-2.0
// Reads and writes by URL: a path, s3://BUCKET/KEY, http(s)://HOST/PATH. Start here.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "storage/retry.hpp"
#include "storage/s3/s3_object.hpp"
#include "storage/source.hpp"

namespace ringtrain::storage {

struct StorageOptions {
  // Only addresses of the public internet for http(s): for URLs that somebody else has chosen. An
  // endpoint of S3 is the choice of this process's environment.
  bool public_addresses_only = false;
  RetryPolicy retries = {};
  UploadOptions parts = {};  // both ways
};

// Returns the options for this process: RINGTRAIN_URLS=public in its environment allows public
// addresses alone. Throws a job error for any other value.
StorageOptions storage_options();

// Thread: any number of threads. It must outlive the sources that it opens. Methods throw data
// errors that name the URL and say what to do, and job errors for URLs that are none.
class Storage {
 public:
  explicit Storage(StorageOptions options = storage_options());
  ~Storage();

  // Opens what is there now, and reads that version alone.
  std::unique_ptr<Source> open(const std::string& url);
  // The same, or nothing where there is no such object. Requires: s3://
  std::unique_ptr<Source> find(const std::string& url);

  // Writes the bytes of a source to a new file, which appears whole or not at all.
  void download(const Source& from, const std::filesystem::path& to,
                const UploadProgress& progress = {});
  // Writes a file, or bytes, to an object of S3, which appears whole or not at all.
  void upload(const std::filesystem::path& from, const std::string& to,
              const UploadProgress& progress = {});
  void write(std::string_view bytes, const std::string& to);

  // Returns the URLs that begin with `prefix`, in their order. Requires: s3://
  std::vector<std::string> list(const std::string& prefix);
  void remove(const std::string& url);

 private:
  S3Client& s3(const std::string& url);

  const StorageOptions options_;
  std::mutex mutex_;
  std::unique_ptr<S3Client> s3_;
};

}  // namespace ringtrain::storage
