// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "base/error.hpp"
#include "base/text.hpp"
#include "server/problem.hpp"
#include "server/uploads/uploads.hpp"

namespace ringtrain::server {
namespace {

// So many bytes at a time go to the disk while more arrive: the end need not wait for all of them.
constexpr uint64_t kFlushBytes = uint64_t{8} << 20;

}  // namespace

UploadWriter::UploadWriter(Uploads& uploads, std::string id, FileDescriptor file, uint64_t offset,
                           uint64_t most)
    : uploads_(uploads),
      id_(std::move(id)),
      file_(std::move(file)),
      offset_(offset),
      start_(offset),
      most_(most) {}

UploadWriter::~UploadWriter() {
  std::error_code ignored;
  const auto turn = uploads_.turns_.find(id_);
  const bool is_newest = turn != uploads_.turns_.end() && turn->second == turn_;
  if (is_newest && checksum_) take_back();
  if (is_newest) uploads_.turns_.erase(turn);
  if (id_.starts_with(".new.")) std::filesystem::remove_all(uploads_.folder_ / id_, ignored);
}

void UploadWriter::take(std::string_view bytes) {
  if (uploads_.turns_[id_] != turn_) {
    throw Problem(409, "a newer request continues this upload, or has deleted it");
  }
  if (bytes.size() > most_ - offset_) {
    throw Problem(413, fmt::format("more bytes than the {} of the upload", print_size(most_)));
  }
  if (checksum_) checksum_->add(bytes);
  while (!bytes.empty()) {
    const ssize_t size =
        ::pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset_));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) {
      throw Problem(507, "the server's disk is full: what has arrived stays, as HEAD says");
    }
    offset_ += static_cast<uint64_t>(size);
    unflushed_ += static_cast<uint64_t>(size);
    bytes.remove_prefix(static_cast<size_t>(size));
  }
  if (unflushed_ < kFlushBytes) return;
  // A hint: a file system without it is slower at the end.
  ::sync_file_range(file_.get(), static_cast<off_t>(offset_ - unflushed_),
                    static_cast<off_t>(unflushed_), SYNC_FILE_RANGE_WRITE);
  unflushed_ = 0;
}

// Leaves the upload as it was before this request.
void UploadWriter::take_back() {
  if (::ftruncate(file_.get(), static_cast<off_t>(start_)) == 0) offset_ = start_;
}

uint64_t UploadWriter::finish() {
  if (checksum_ && !checksum_->is_right()) {
    checksum_.reset();
    take_back();
    throw Problem(460, "Upload-Checksum: these bytes have another checksum: send them again",
                  {{"offset", start_}});
  }
  checksum_.reset();
  if (offset_ == most_) checked(::fdatasync(file_.get()), "fdatasync");
  return offset_;
}

}  // namespace ringtrain::server
