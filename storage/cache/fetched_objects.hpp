// SPDX-License-Identifier: Apache-2.0
// The objects that a fetcher has opened, and their ranges on the disk.
#pragma once

#include <cstdint>
#include <filesystem>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "storage/cache/cache_file.hpp"
#include "storage/cache/range_table.hpp"
#include "storage/storage.hpp"

namespace ringtrain::storage {

struct FetchedObject {
  uint32_t number = 0;
  std::string url;
  std::unique_ptr<Source> source;
  CacheFile file;
};

// Thread: any number of threads. Methods throw data errors.
class FetchedObjects {
 public:
  explicit FetchedObjects(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // Opens the version `etag` of a URL; the version that is open already, or the present one, where
  // that is empty.
  const FetchedObject& open(const std::string& url, const std::string& etag);
  // Returns the URLs that begin with a prefix, a line each.
  std::string list(const std::string& prefix);
  // Returns bytes of an object without keeping them on the disk; those around them stay in memory.
  std::string read(uint32_t number, uint64_t offset, uint64_t size);

  bool has(uint32_t object, uint64_t offset, uint64_t size);
  void fetch(const KeyedRange& range);
  void remove(const KeyedRange& range);

 private:
  Storage& storage();
  FetchedObject& at(uint32_t object);
  std::string page(FetchedObject& object, uint64_t number);

  const std::filesystem::path folder_;
  std::optional<Storage> storage_;  // made when it is first needed, for its errors
  std::mutex opening_;              // one object at a time
  std::mutex mutex_;                // guards the rest
  std::list<FetchedObject> objects_;
  struct Page {
    std::pair<uint32_t, uint64_t> key;  // object, number
    std::string bytes;
  };
  std::list<Page> pages_;  // the newest first
};

}  // namespace ringtrain::storage
