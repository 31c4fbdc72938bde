// SPDX-License-Identifier: Apache-2.0
#include "runtime/observe/reporter.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "base/log.hpp"

namespace ringtrain {
namespace {

// Writes all of `text` in one call, so that lines of several ranks do not mix (a pipe keeps up to
// 4 KiB together).
void write_whole(int fd, const std::string& text) {
  for (size_t done = 0; done < text.size();) {
    const ssize_t n = write(fd, text.data() + done, text.size() - done);
    if (n < 0 && errno != EINTR) return;  // the reader is gone; training continues without it
    if (n > 0) done += static_cast<size_t>(n);
  }
}

}  // namespace

Reporter::Reporter(bool events, bool quiet)
    : events_(events), quiet_(quiet), attempt_(attempt_from_environment()) {}

void Reporter::event(const Event& event, const std::string& line) const {
  if (quiet_) return;
  if (events_) {
    write_event(event);
  } else if (!line.empty()) {
    log_info(line);
  }
}

void Reporter::log(const std::string& line) const {
  event(LogEvent{.level = "info", .message = line}, line);
}

void Reporter::warn(const std::string& line) const {
  if (quiet_) return;
  if (events_) {
    write_event(LogEvent{.level = "warning", .message = line});
  } else {
    log_warning(line);
  }
}

void Reporter::failure(const FailureEvent& failure) const {
  if (events_) {
    write_event(failure);
  } else {
    log_error(fmt::format("rank {} on {}: {}", failure.rank, failure.host, failure.message));
  }
}

void Reporter::write_event(const Event& event) const {
  write_whole(STDOUT_FILENO, print_event(event, attempt_) + "\n");
}

}  // namespace ringtrain
