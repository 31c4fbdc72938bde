// SPDX-License-Identifier: Apache-2.0
#include "job/events_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

namespace ringtrain {

namespace {

constexpr size_t kPiece = size_t{4} << 20;

}  // namespace

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

bool read_events(const std::filesystem::path& file, uint64_t& offset, const OnEvent& on_event) {
  const FileDescriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!opened.is_open()) return false;
  struct stat about {};
  if (::fstat(opened.get(), &about) != 0) return false;
  const auto length = static_cast<uint64_t>(about.st_size);
  if (length <= offset) return false;
  std::string piece(std::min<uint64_t>(kPiece, length - offset), '\0');
  const ssize_t size =
      ::pread(opened.get(), piece.data(), piece.size(), static_cast<off_t>(offset));
  if (size <= 0) return false;
  piece.resize(static_cast<size_t>(size));
  const size_t end = piece.rfind('\n');
  if (end == std::string::npos) {
    if (piece.size() == kPiece) offset += kPiece;  // no event is as long
    return piece.size() == kPiece;
  }
  for (size_t at = 0; at <= end;) {
    const size_t line_end = piece.find('\n', at);
    if (const auto record = parse_event('\x1e' + piece.substr(at, line_end - at))) {
      on_event(*record);
    }
    at = line_end + 1;
  }
  offset += end + 1;
  return piece.size() == kPiece;
}

}  // namespace ringtrain
