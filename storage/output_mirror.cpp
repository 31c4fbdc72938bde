// SPDX-License-Identifier: Apache-2.0
#include "storage/output_mirror.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <system_error>

#include "base/error.hpp"
#include "base/mix.hpp"
#include "base/spawn.hpp"
#include "storage/cache/fetcher_program.hpp"
#include "storage/download_cache.hpp"

namespace ringtrain::storage {

std::filesystem::path local_output(const std::string& url) {
  if (const char* const chosen = std::getenv("RINGTRAIN_OUTPUT_FOLDER")) return chosen;
  uint64_t hash = url.size();
  for (const char c : url) hash = mix(hash, static_cast<unsigned char>(c));
  return cache_directory() / "outputs" / fmt::format("{:016x}", hash);
}

OutputMirror::OutputMirror(const std::string& url, const std::filesystem::path& folder)
    : url_(url) {
  Pipe to = make_pipe();
  Pipe from = make_pipe();
  try {
    // Its own group: Ctrl-C ends the ranks, which then have a checkpoint for it to send.
    spawn({.arguments = {ringtrain_program(), "mirror", url, folder.string()},
           .standard_input = to.read_end.get(),
           .standard_output = from.write_end.get(),
           .standard_error = kDevNull,
           .own_group = true});
  } catch (const std::system_error& error) {
    throw data_error(fmt::format(
        "{}: it sends results to {}: put it beside this program, or set RINGTRAIN_PROGRAM",
        error.what(), url));
  }
  input_ = std::move(to.write_end);
  output_ = std::move(from.read_end);
  from.write_end.close();
  if (const std::string failure = read_line(); !failure.empty()) {
    throw data_error("output: " + failure);
  }
}

std::string OutputMirror::read_line() const {
  std::string line;
  char c = 0;
  for (;;) {
    const ssize_t size = ::read(output_.get(), &c, 1);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return url_ + ": the process that sends results there has ended";
    if (c == '\n') return line;
    line += c;
  }
}

void OutputMirror::finish() {
  input_.close();
  if (const std::string failure = read_line(); !failure.empty()) {
    throw data_error(fmt::format("output: {}: results that were not sent are in {}", failure,
                                 local_output(url_).string()));
  }
}

}  // namespace ringtrain::storage
