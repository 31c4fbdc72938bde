// SPDX-License-Identifier: Apache-2.0
// events.jsonl: the events of the runs in a folder, a JSON object a line, each as print_event()
// makes it but for its first byte. docs/reference/events.md describes it.
#pragma once

#include <filesystem>
#include <string_view>

#include "base/file_descriptor.hpp"

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

}  // namespace ringtrain
