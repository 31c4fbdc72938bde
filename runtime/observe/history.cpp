// SPDX-License-Identifier: Apache-2.0
#include "runtime/observe/history.hpp"

#include <fmt/format.h>

#include <fstream>
#include <string>

#include "base/error.hpp"
#include "base/file.hpp"
#include "job/events.hpp"

namespace ringtrain {

namespace {

// Returns the lines that a resumed job will not write again. A killed job may have left half a
// line.
std::string kept_lines(const std::filesystem::path& file, int64_t first_step) {
  std::ifstream old(file);
  std::string kept, line;
  while (first_step > 0 && std::getline(old, line)) {
    const auto epoch = parse_history_line(line);
    if (epoch && epoch->step < first_step) kept += line + '\n';
  }
  return kept;
}

}  // namespace

History::History(const std::filesystem::path& file, int64_t first_step) : path_(file) {
  write_file(file, kept_lines(file, first_step));
}

void History::append(const std::string& line) {
  // Opened for each line: a stream that has failed once, on a full disk, keeps the text it could
  // not write.
  std::ofstream file(path_, std::ios::app);
  file << (broken_ ? "\n" : "") << line << '\n' << std::flush;
  broken_ = !file;
  if (broken_) {
    throw job_error(fmt::format("output: cannot write {} (is the disk full?)", path_.string()));
  }
}

}  // namespace ringtrain
