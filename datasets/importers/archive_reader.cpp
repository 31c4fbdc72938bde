// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/archive_reader.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "base/terminal/printable.hpp"

namespace ringtrain::datasets {
namespace {

// More than any real archive of images or arrays reaches; zip bombs start far above.
constexpr uint64_t kMaxRatio = 1032;
constexpr uint64_t kFreeBytes = uint64_t{16} << 20;

bool is_safe(std::string_view path) {
  if (path.empty() || path.front() == '/' || path.find('\\') != std::string_view::npos ||
      path.find('\0') != std::string_view::npos) {
    return false;
  }
  for (size_t at = 0; at <= path.size();) {
    const size_t slash = std::min(path.find('/', at), path.size());
    if (path.substr(at, slash - at) == "..") return false;
    at = slash + 1;
  }
  return true;
}

// Returns a text of libarchive for messages; "?" for null.
std::string shown(const char* text) {
  return printable(text == nullptr ? "?" : std::string(text).substr(0, 200));
}

}  // namespace

ArchiveReader::ArchiveReader(std::string name, const ArchiveLimits& limits)
    : name_(std::move(name)), limits_(limits), reader_(archive_read_new(), archive_read_free) {
  if (!reader_) refuse("out of memory");
  archive_read_support_filter_gzip(reader_.get());
  archive_read_support_format_tar(reader_.get());
  archive_read_support_format_zip(reader_.get());
}

void ArchiveReader::open_file(const std::filesystem::path& path) {
  check_open(archive_read_open_filename(reader_.get(), path.c_str(), 1 << 18));
  budget_ = std::filesystem::file_size(path) * kMaxRatio + kFreeBytes;
}

void ArchiveReader::open_memory(std::string_view bytes) {
  check_open(archive_read_open_memory(reader_.get(), bytes.data(), bytes.size()));
  budget_ = bytes.size() * kMaxRatio + kFreeBytes;
}

bool ArchiveReader::next(const std::function<void(const std::string&)>& on_folder) {
  int result = ARCHIVE_OK;
  while ((result = archive_read_next_header(reader_.get(), &entry_)) == ARCHIVE_OK ||
         result == ARCHIVE_WARN) {
    if (++entries_ > limits_.max_entries) {
      refuse(fmt::format("more than {} entries", limits_.max_entries));
    }
    if (is_file()) return true;
    while (path_.ends_with('/')) path_.pop_back();
    if (!path_.empty() && path_ != ".") on_folder(path_);
  }
  if (result != ARCHIVE_EOF) refuse("damaged: " + reason());
  return false;
}

uint64_t ArchiveReader::most_bytes() const {
  if (archive_entry_size_is_set(entry_) == 0) return budget_;
  return std::min(budget_, static_cast<uint64_t>(archive_entry_size(entry_)));
}

void ArchiveReader::take(std::string& bytes) {
  const int64_t promised = archive_entry_size_is_set(entry_) != 0 ? archive_entry_size(entry_) : -1;
  if (promised > 0) check_size(static_cast<uint64_t>(promised));
  bytes.clear();
  const void* block = nullptr;
  size_t size = 0;
  la_int64_t offset = 0;
  int state = ARCHIVE_OK;
  while ((state = archive_read_data_block(reader_.get(), &block, &size, &offset)) == ARCHIVE_OK) {
    const auto end = static_cast<uint64_t>(offset) + size;
    if (offset < 0) refuse("damaged");
    check_size(end);
    if (end < bytes.size()) refuse("damaged: an entry overlaps itself");
    spend(end - bytes.size());
    bytes.resize(static_cast<size_t>(offset));  // a hole of a sparse file
    bytes.append(static_cast<const char*>(block), size);
  }
  if (state != ARCHIVE_EOF) refuse(fmt::format("damaged at '{}': {}", entry_name(), reason()));
  if (promised >= 0 && bytes.size() != static_cast<uint64_t>(promised)) {
    refuse(fmt::format("damaged: the entry '{}' has a wrong length", entry_name()));
  }
}

size_t ArchiveReader::read(void* data, size_t size) {
  size_t done = 0;
  while (done < size) {
    const la_ssize_t n =
        archive_read_data(reader_.get(), static_cast<char*>(data) + done, size - done);
    if (n < 0) refuse(fmt::format("damaged at '{}': {}", entry_name(), reason()));
    if (n == 0) break;
    spend(static_cast<uint64_t>(n));
    done += static_cast<size_t>(n);
  }
  return done;
}

void ArchiveReader::refuse(const std::string& why) const {
  throw data_error(fmt::format("{}: {}", name_, why));
}

void ArchiveReader::refuse_entry(std::string_view why) const {
  refuse(fmt::format("the entry '{}' {}", entry_name(), why));
}

std::string ArchiveReader::reason() const { return shown(archive_error_string(reader_.get())); }

std::string ArchiveReader::entry_name() const { return shown(archive_entry_pathname(entry_)); }

void ArchiveReader::check_open(int result) const {
  if (result != ARCHIVE_OK) {
    refuse("neither a folder nor an archive that can be read: " + reason());
  }
}

void ArchiveReader::check_size(uint64_t size) const {
  if (size > limits_.max_file_bytes) {
    refuse_entry(fmt::format("is larger than {} bytes", limits_.max_file_bytes));
  }
}

void ArchiveReader::spend(uint64_t bytes) {
  if (bytes > budget_) refuse("unpacks to more than a thousand times its size: refused");
  budget_ -= bytes;
}

// Takes the path of the entry. Returns false for a folder, refuses what is no plain file.
bool ArchiveReader::is_file() {
  const char* raw = archive_entry_pathname(entry_);
  if (raw == nullptr) refuse(fmt::format("entry {} has no readable name", entries_));
  path_ = raw;
  while (path_.starts_with("./")) path_.erase(0, 2);
  const auto type = archive_entry_filetype(entry_);
  if (type == AE_IFDIR && (path_.empty() || path_ == ".")) return false;
  if (!is_safe(path_)) refuse_entry("leads outside the archive");
  if (archive_entry_hardlink(entry_) != nullptr || archive_entry_symlink(entry_) != nullptr) {
    refuse_entry("is a link");
  }
  if (type == AE_IFDIR) return false;
  if (type != AE_IFREG) refuse_entry("is not a regular file");
  if (archive_entry_is_encrypted(entry_) != 0) refuse_entry("is encrypted");
  return true;
}

}  // namespace ringtrain::datasets
