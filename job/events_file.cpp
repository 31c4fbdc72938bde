// SPDX-License-Identifier: Apache-2.0
#include "job/events_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace ringtrain {

EventsFile::EventsFile(const std::filesystem::path& file)
    : file_(
          checked(::open(file.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666),
                  "open")) {
  char last = '\n';
  const off_t size = checked(::lseek(file_.get(), 0, SEEK_END), "lseek");
  if (size > 0) checked(::pread(file_.get(), &last, 1, size - 1), "pread");
  torn_ = last != '\n';
}

bool EventsFile::try_lock() {
  // File systems without locks refuse with another error.
  return ::flock(file_.get(), LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
}

void EventsFile::append(std::string_view line) {
  std::string text(torn_ ? "\n" : "");
  text.append(line.substr(1)).append("\n");
  const size_t done = write_all(file_.get(), text);
  if (done > 0) torn_ = done < text.size();
}

void EventsFile::sync() {
  // A disk that refuses loses lines, as in append().
  ::fsync(file_.get());
}

}  // namespace ringtrain
