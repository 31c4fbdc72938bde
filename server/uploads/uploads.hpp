// SPDX-License-Identifier: Apache-2.0
// Files on their way to the server, in pieces that may be cut off and continued (tus 1.0.0,
// https://tus.io/protocols/resumable-upload). The truth about an upload is its folder:
//
//   uploads/ID/meta.json   its name, length, sender and time
//   uploads/ID/data        what has arrived; its size is the offset to continue at
//
// so an upload outlives the server that took its first bytes. One that nobody has touched for a day
// is gone.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file_descriptor.hpp"
#include "base/time.hpp"
#include "server/uploads/checksum.hpp"

namespace ringtrain::server {

// meta.json
struct UploadRecord {
  std::string name = {};  // of the file, without folders
  uint64_t length = 0;    // bytes
  std::string created = {};
  std::string by = {};
};

struct Upload {
  std::string id = {};
  UploadRecord record = {};
  uint64_t offset = 0;  // bytes that have arrived
  Time expires = {};
  bool is_whole() const { return offset == record.length; }
};

class Uploads;

// The body of one request, on its way to an upload's file. An upload has one writer: a newer one
// takes over from one whose connection may hang.
class UploadWriter {
 public:
  UploadWriter(Uploads& uploads, std::string id, FileDescriptor file, uint64_t offset,
               uint64_t most);
  ~UploadWriter();
  UploadWriter(const UploadWriter&) = delete;
  UploadWriter& operator=(const UploadWriter&) = delete;

  // Throws a Problem: 409 where a newer request continues the upload, 413 where there are more
  // bytes than were announced, 507 where the disk is full. Bytes before it stay.
  void take(std::string_view bytes);
  // Returns the offset; an upload that is whole is safe on disk then. Throws a Problem 460 where
  // the bytes have another checksum than was announced.
  uint64_t finish();
  // Bytes of a request with a checksum stay if the request ends and they have it, else none do. (A
  // server that is killed meanwhile leaves those that have arrived.)
  void expect(Checksum checksum) { checksum_.emplace(std::move(checksum)); }

 private:
  friend class Uploads;
  void take_back();

  Uploads& uploads_;
  const std::string id_;
  FileDescriptor file_;
  uint64_t offset_;
  const uint64_t start_;  // the first offset
  const uint64_t most_;
  uint64_t turn_ = 0;
  std::optional<Checksum> checksum_;
  uint64_t unflushed_ = 0;
};

// Thread: one at a time.
class Uploads {
 public:
  static constexpr std::chrono::hours kLifetime{24};

  explicit Uploads(std::filesystem::path folder);

  // Most bytes that an upload may have now: what the disk has free, less the reserve and what is
  // promised to others.
  uint64_t most_bytes() const;

  // Makes an upload, safe on disk. Throws a Problem: 413 where no file may be as large, 507 where
  // the disk has no room for it.
  Upload create(UploadRecord record);
  // Throws a Problem: 404, or 410 where its day is over.
  Upload get(const std::string& id);
  std::vector<Upload> list();
  // Continues an upload. Throws as get(), and 409 where `offset` is not where it continues.
  std::shared_ptr<UploadWriter> open(const std::string& id, uint64_t offset);
  // Makes an upload of one request, which is there once finish_whole() is called, and not at all
  // without it. Throws as create().
  std::shared_ptr<UploadWriter> open_whole(const UploadRecord& record,
                                           std::optional<uint64_t> length);
  Upload finish_whole(UploadWriter& writer, UploadRecord record);
  void remove(const std::string& id);
  // Removes what nobody has touched for a day.
  void forget_old();

  std::filesystem::path data(const std::string& id) const { return folder_ / id / "data"; }

 private:
  friend class UploadWriter;
  std::optional<Upload> find(const std::string& id) const;
  void check_room(uint64_t bytes) const;

  const std::filesystem::path folder_;
  std::map<std::string, uint64_t> turns_;  // number of the newest writer of each
};

// Returns 32 random hexadecimal digits. Throws an io error.
std::string random_id();

// Returns the pairs of an Upload-Metadata header, decoded. Throws a Problem 400.
std::map<std::string, std::string> parse_upload_metadata(std::string_view header);

// Returns the name of a file that a sender gave, without its folders; "file" where nothing of it
// can be a name.
std::string safe_file_name(std::string_view name);

}  // namespace ringtrain::server
