// SPDX-License-Identifier: Apache-2.0
#include "storage/cache/cache_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/error.hpp"

namespace ringtrain::storage {
namespace {

[[noreturn]] void refuse(const std::filesystem::path& folder, std::string_view doing) {
  throw data_error(fmt::format("dataset_cache.folder: {}: cannot {}: {}", folder.string(), doing,
                               std::generic_category().message(errno)));
}

}  // namespace

CacheFile::CacheFile(const std::filesystem::path& folder, uint64_t size) : folder_(folder) {
  if (folder_.empty()) {
    std::error_code error;
    folder_ = std::filesystem::temp_directory_path(error);
    if (error) folder_ = "/tmp";
  }
  std::string name = (folder_ / "ringtrain-cache.XXXXXX").string();
  file_ = FileDescriptor(::mkostemp(name.data(), O_CLOEXEC));
  if (!file_.is_open()) refuse(folder_, "make a file");
  ::unlink(name.c_str());
  if (::ftruncate(file_.get(), static_cast<off_t>(size)) != 0) {
    refuse(folder_, fmt::format("hold a file of {} bytes", size));
  }
}

void CacheFile::write(std::string_view bytes, uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t written =
        ::pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) refuse(folder_, "keep what was fetched");
    bytes.remove_prefix(static_cast<size_t>(written));
    offset += static_cast<uint64_t>(written);
  }
}

void CacheFile::remove(uint64_t offset, uint64_t size) {
  // A file system that cannot do this keeps more than it should, and nothing breaks.
  ::fallocate(file_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
              static_cast<off_t>(size));
}

}  // namespace ringtrain::storage
