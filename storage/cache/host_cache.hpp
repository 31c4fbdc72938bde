// SPDX-License-Identifier: Apache-2.0
// Objects at URLs, read by a process that has neither curl nor OpenSSL: another one fetches for all
// ranks of this host, `ringtrain fetch`, which the first rank starts and which ends after the last.
// Ranges that are held lie in a file on the local disk that all of them map.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "base/file_descriptor.hpp"
#include "storage/cache/cache_message.hpp"
#include "storage/source.hpp"

namespace ringtrain::storage {

struct CacheOptions {
  uint64_t bytes = uint64_t{8} << 30;  // of ranges on the disk, over all objects of the host
  std::filesystem::path folder = {};   // empty: TMPDIR, else /tmp
};

struct Range {
  uint64_t offset = 0;
  uint64_t size = 0;
};

// The connection to this host's fetcher.
// Thread: any number of threads.
class HostCache {
 public:
  // Starts the fetcher where none runs with these options and this environment's keys. Throws a
  // data error.
  explicit HostCache(const CacheOptions& options);

  struct Answer {
    CacheMessage message;
    std::string payload;
    FileDescriptor file;
  };
  // Sends a request and returns its answer. Throws the refusal as a data error.
  Answer ask(CacheMessage message, std::string_view payload = {});
  // Sends a message that has no answer.
  void send(const CacheMessage& message);

  // Returns the URLs that begin with `prefix`. Requires: s3://
  std::vector<std::string> list(const std::string& prefix);

 private:
  void receive_one(std::unique_lock<std::mutex>& lock);

  FileDescriptor socket_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  bool receiving_ = false;  // a thread waits for the next message, for all
  uint64_t tickets_ = 0;
  std::map<uint64_t, Answer> answers_;
};

// An object that is read through the fetcher.
class CachedObject : public Source {
 public:
  // Opens the version `etag` of a URL; the present one where that is empty.
  static std::unique_ptr<CachedObject> open(std::shared_ptr<HostCache> cache,
                                            const std::string& url, const std::string& etag = "");

  void read_at(void* data, size_t size, uint64_t offset) const override;

  // Opens the sparse file of the object's size that what is held is in.
  File open_file() const;

  // Lets the fetcher begin with a range that will be held soon.
  void want(const Range& range) const;
  // Blocks until a range is in the file; it stays there until it was dropped as often as it was
  // held. Throws a data error.
  void hold(const Range& range) const;
  void drop(const Range& range) const;
  // Takes back what was wanted and not held, of all objects of this connection.
  void forget() const;

 private:
  CachedObject(std::shared_ptr<HostCache> cache, const std::string& url, HostCache::Answer opened);
  CacheMessage message(CacheMessage::Kind kind, const Range& range) const;

  std::shared_ptr<HostCache> cache_;
  uint32_t number_;
  FileDescriptor file_;
};

}  // namespace ringtrain::storage
