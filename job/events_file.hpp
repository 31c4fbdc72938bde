// SPDX-License-Identifier: Apache-2.0
// events.jsonl: the events of the runs in a folder, a JSON object a line, each as print_event()
// makes it but for its first byte. docs/reference/events.md describes it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string_view>

#include "base/file_descriptor.hpp"
#include "job/events.hpp"

namespace ringtrain {

class EventsFile {
 public:
  // Opens a file, or creates it. Throws std::system_error.
  explicit EventsFile(const std::filesystem::path& file);

  // Returns whether no other run has the file. It is ours then until we and the copies of us that
  // were forked since have ended or closed it.
  bool try_lock();

  // Adds a line as print_event() returns it. A full disk loses it.
  void append(std::string_view line);

  // Flushes the file to the disk, as far as that lets it.
  void sync();

 private:
  FileDescriptor file_;
  bool torn_ = false;  // the last line has no newline: its writer was killed, or the disk was full
};

using OnEvent = std::function<void(const EventRecord& record)>;

// Reads complete lines of an events.jsonl behind `offset`, which it moves; at most a few MiB in one
// call. A line that is no event is passed over. Returns whether there may be more.
bool read_events(const std::filesystem::path& file, uint64_t& offset, const OnEvent& on_event);

}  // namespace ringtrain
