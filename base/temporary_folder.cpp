// SPDX-License-Identifier: Apache-2.0
#include "base/temporary_folder.hpp"

#include <fmt/format.h>
#include <stdlib.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "base/error.hpp"

namespace ringtrain {
namespace {

namespace fs = std::filesystem;

fs::path make_folder(const fs::path& parent, std::string_view name, std::string_view advice) {
  std::string path = (parent / fmt::format("{}XXXXXX", name)).string();
  if (::mkdtemp(path.data()) == nullptr) {
    throw io_error(fmt::format("{}: cannot be made: {}{}", path,
                               std::generic_category().message(errno), advice));
  }
  return path;
}

}  // namespace

TemporaryFolder::TemporaryFolder(const fs::path& parent, std::string_view name)
    : path_(make_folder(parent, name, "")) {}

TemporaryFolder::TemporaryFolder(std::string_view name)
    : path_(make_folder(fs::temp_directory_path(), name, ": set TMPDIR")) {}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  if (!is_kept_) fs::remove_all(path_, ignored);
}

}  // namespace ringtrain
