// SPDX-License-Identifier: Apache-2.0
#include "storage/cache/local_copy.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "base/error.hpp"

namespace ringtrain::storage {

LocalCopy::LocalCopy(const std::string& url, const CacheOptions& options) {
  const auto object = CachedObject::open(std::make_shared<HostCache>(options), url);
  std::error_code error;
  const std::filesystem::path folder =
      options.folder.empty() ? std::filesystem::temp_directory_path(error) : options.folder;
  std::string name = (folder / "ringtrain-copy.XXXXXX").string();
  const FileDescriptor file(::mkostemp(name.data(), O_CLOEXEC));
  if (!file.is_open()) {
    throw io_error(fmt::format("{}: cannot make a file: {}: set dataset_cache.folder",
                               folder.string(), std::generic_category().message(errno)));
  }
  path_ = name;
  try {
    copy(*object);
  } catch (...) {
    std::filesystem::remove(path_, error);
    throw;
  }
}

LocalCopy::~LocalCopy() {
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

void LocalCopy::copy(const CachedObject& from) const {
  constexpr uint64_t kPart = uint64_t{4} << 20;
  constexpr uint64_t kAhead = 4;
  File to = File::open_for_writing(path_);
  const File cached = from.open_file();
  const auto part = [&](uint64_t number) {
    const uint64_t offset = std::min(number * kPart, from.size());
    return Range{offset, std::min(kPart, from.size() - offset)};
  };
  std::string bytes;
  for (uint64_t number = 0; part(number).size > 0; ++number) {
    for (uint64_t next = number; next < number + kAhead; ++next) {
      if (part(next).size > 0) from.want(part(next));
    }
    const Range range = part(number);
    from.hold(range);
    bytes.resize(range.size);
    cached.read_at(bytes.data(), bytes.size(), range.offset);
    from.drop(range);
    to.write_at(bytes.data(), bytes.size(), range.offset);
  }
}

}  // namespace ringtrain::storage
