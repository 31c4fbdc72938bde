// SPDX-License-Identifier: Apache-2.0
// Objects of S3: opened, listed, written whole or not at all, removed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/s3/s3_client.hpp"
#include "storage/source.hpp"

namespace ringtrain::storage {

// Opens an object at its present version. The client must outlive the source. Throws a data error.
std::unique_ptr<Source> open_s3(S3Client& client, const S3Url& object);
// The same, or nothing where there is no such object.
std::unique_ptr<Source> find_s3(S3Client& client, const S3Url& object);

struct ListedObject {
  std::string key;
  uint64_t size = 0;
};

// Returns the objects whose keys begin with that of `prefix`, in the order of their keys. Throws a
// data error, also for more than a million.
std::vector<ListedObject> list_s3(S3Client& client, const S3Url& prefix);

void remove_s3(S3Client& client, const S3Url& object);

struct UploadOptions {
  uint64_t part_bytes = uint64_t{8} << 20;  // at least 5 MiB, but for the last part
  int in_flight = 4;
};

// Is called after each part, by one thread at a time.
using UploadProgress = std::function<void(uint64_t done, uint64_t total)>;

// Writes an object with the bytes of `from`: in one request, or in parts of which several are on
// their way at once. The object appears whole or not at all. Throws a data error.
void upload_s3(S3Client& client, const Source& from, const S3Url& to,
               const UploadOptions& options = {}, const UploadProgress& progress = {});
// The same of bytes in memory, in one request.
void write_s3(S3Client& client, std::string_view bytes, const S3Url& to);

}  // namespace ringtrain::storage
