// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/commands/temporary_folder.hpp"

#include <stdlib.h>

#include <stdexcept>
#include <system_error>

namespace ringtrain::benchmarks {

TemporaryFolder::TemporaryFolder(const std::filesystem::path& parent)
    : path_((parent / "ringtrain-bench.XXXXXX").string()) {
  if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error(path_ + ": cannot be made");
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace ringtrain::benchmarks
