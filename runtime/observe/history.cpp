// SPDX-License-Identifier: Apache-2.0
#include "runtime/observe/history.hpp"

#include <fmt/format.h>

#include "runtime/job/error.hpp"

namespace ringtrain {

History::History(const std::filesystem::path& file) : path_(file), file_(file, std::ios::trunc) {
  if (!file_) throw JobError(fmt::format("output: cannot write {}", file.string()));
}

void History::append(const nlohmann::ordered_json& line) {
  file_ << line.dump() << '\n' << std::flush;
  if (!file_)
    throw JobError(fmt::format("output: cannot write {} (is the disk full?)", path_.string()));
}

}  // namespace ringtrain
