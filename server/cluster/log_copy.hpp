// SPDX-License-Identifier: Apache-2.0
// A launcher's log, copied to the folder of its attempt while it is written, since logs go with
// their pods: events to events.jsonl, other lines to train.log with the time that Kubernetes gave
// them. Lines that are there already are left out, so that a log may be read again after a lost
// connection or a restart.
#pragma once

#include <deque>
#include <filesystem>
#include <optional>
#include <string>
#include <unordered_set>

#include "base/file_descriptor.hpp"
#include "base/time.hpp"
#include "job/events_file.hpp"

namespace ringtrain::server {

class LogCopy {
 public:
  // Reads the ends of the files that are there. Throws std::system_error.
  explicit LogCopy(const std::filesystem::path& folder);

  // Takes a line as Kubernetes gives it with timestamps=true.
  void take(const std::string& line);

  // Returns the time of the newest line; nothing before the first.
  std::optional<Time> newest() const { return newest_; }

 private:
  void remember_end_of(const std::filesystem::path& file);
  bool is_known(const std::string& text);

  EventsFile events_;
  FileDescriptor log_;
  uint64_t log_bytes_ = 0;
  std::optional<Time> newest_;
  std::unordered_set<std::string> known_;  // lines that were written last
  std::deque<std::string> order_;          // the same, the oldest first
};

}  // namespace ringtrain::server
