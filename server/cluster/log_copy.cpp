// SPDX-License-Identifier: Apache-2.0
#include "server/cluster/log_copy.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>
#include <system_error>

#include "base/error.hpp"
#include "job/events.hpp"
#include "mpijob/status/training_log.hpp"

namespace ringtrain::server {
namespace {

namespace fs = std::filesystem;

// Lines that are compared with: more than come within the two seconds that are read again.
constexpr size_t kMostKnown = 20000;
constexpr uint64_t kEndBytes = uint64_t{1} << 20;
constexpr uint64_t kMaxLogBytes = uint64_t{64} << 20;
constexpr size_t kMaxLine = 16384;

}  // namespace

LogCopy::LogCopy(const fs::path& folder)
    : events_(folder / "events.jsonl"),
      log_(checked(
          ::open((folder / "train.log").c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644),
          "train.log")) {
  remember_end_of(folder / "events.jsonl");
  remember_end_of(folder / "train.log");
  log_bytes_ = static_cast<uint64_t>(checked(::lseek(log_.get(), 0, SEEK_END), "lseek"));
}

void LogCopy::remember_end_of(const fs::path& file) {
  const FileDescriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat about {};
  if (!opened.is_open() || ::fstat(opened.get(), &about) != 0) return;
  const auto size = static_cast<uint64_t>(about.st_size);
  std::string text(std::min(size, kEndBytes), '\0');
  const ssize_t got =
      ::pread(opened.get(), text.data(), text.size(), static_cast<off_t>(size - text.size()));
  if (got <= 0) return;
  text.resize(static_cast<size_t>(got));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::optional<Time> time = mpijob::split_stamp(line).time;
    if (const auto event = parse_event('\x1e' + line)) time = event->time;
    if (time && (!newest_ || *time > *newest_)) newest_ = time;
    is_known(line);
  }
}

// Returns whether the line was written lately, and remembers it.
bool LogCopy::is_known(const std::string& text) {
  if (!known_.insert(text).second) return true;
  order_.push_back(text);
  if (order_.size() > kMostKnown) {
    known_.erase(order_.front());
    order_.pop_front();
  }
  return false;
}

void LogCopy::take(const std::string& line) {
  const mpijob::StampedLine stamped = mpijob::split_stamp(line);
  if (stamped.time && (!newest_ || *stamped.time > *newest_)) newest_ = stamped.time;
  if (stamped.text.starts_with('\x1e')) {
    if (parse_event(stamped.text) && !is_known(stamped.text.substr(1))) {
      events_.append(stamped.text);
    }
    return;
  }
  if (stamped.text.empty() || log_bytes_ > kMaxLogBytes) return;
  std::string text = stamped.time ? print_time_ms(*stamped.time) + " " : "";
  text += stamped.text.substr(0, kMaxLine);
  if (is_known(text)) return;
  log_bytes_ += text.size() + 1;
  if (log_bytes_ > kMaxLogBytes) text = "the log is full: lines from here on are left out";
  write_all(log_.get(), text + "\n");
}

}  // namespace ringtrain::server
