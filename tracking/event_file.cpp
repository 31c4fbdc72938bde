// SPDX-License-Identifier: Apache-2.0
#include "tracking/event_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <bit>
#include <chrono>
#include <cstring>
#include <system_error>

#include "base/crc32c.hpp"
#include "base/error.hpp"
#include "base/machine.hpp"

namespace ringtrain::tracking {
namespace {

namespace fs = std::filesystem;

// Bytes of a number, the lowest first.
template <class T>
std::string little_endian(T value) {
  std::string bytes(sizeof value, '\0');
  for (size_t i = 0; i < sizeof value; ++i) bytes[i] = static_cast<char>(value >> (8 * i) & 0xff);
  return bytes;
}

// CRCs of data that holds CRCs would be weak.
std::string masked_crc(std::string_view bytes) {
  const uint32_t crc = crc32c(bytes.data(), bytes.size());
  return little_endian<uint32_t>((crc >> 15 | crc << 17) + 0xa282ead8U);
}

std::string varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>((value & 0x7f) | 0x80);
  return bytes + static_cast<char>(value);
}

// Wire types of protocol buffers.
enum WireType : uint64_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

std::string key(uint64_t number, WireType type) { return varint(number << 3 | type); }

std::string field(uint64_t number, std::string_view bytes) {
  return key(number, kBytes) + varint(bytes.size()) + std::string(bytes);
}

// Event.wall_time and Event.step
std::string event_at(int64_t step, Time time) {
  const double seconds = std::chrono::duration<double>(time.time_since_epoch()).count();
  return key(1, kFixed64) + little_endian(std::bit_cast<uint64_t>(seconds)) + key(2, kVarint) +
         varint(static_cast<uint64_t>(step));
}

// Summary.Value with tag and simple_value
std::string value_of(const Scalar& scalar) {
  const auto value = static_cast<float>(scalar.second);
  return field(1, scalar.first) + key(2, kFixed32) + little_endian(std::bit_cast<uint32_t>(value));
}

FileDescriptor open_new(const fs::path& folder, Time now) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    throw io_error(fmt::format("{}: cannot be made: {}", folder.string(), error.message()));
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  for (int n = 0;; ++n) {
    const fs::path file = folder / fmt::format("events.out.tfevents.{:010}.{:04}.{}.{}", seconds, n,
                                               host_name(), ::getpid());
    FileDescriptor opened(
        ::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    if (opened.is_open()) return opened;
    if (errno != EEXIST) {
      throw io_error(fmt::format("{}: cannot be made: {}", file.string(), std::strerror(errno)));
    }
  }
}

}  // namespace

EventFile::EventFile(const fs::path& folder, Time now) : file_(open_new(folder, now)) {
  append(event_at(0, now) + field(3, "brain.Event:2"));
}

void EventFile::restart(int64_t step, Time time) {
  // SessionLog.status = START
  append(event_at(step, time) + field(7, key(1, kVarint) + varint(1)));
}

void EventFile::add(int64_t step, const std::vector<Scalar>& scalars, Time time) {
  std::string summary;
  for (const Scalar& scalar : scalars) summary += field(1, value_of(scalar));
  append(event_at(step, time) + field(5, summary));
}

void EventFile::append(std::string_view event) {
  const std::string length = little_endian<uint64_t>(event.size());
  std::string record = length + masked_crc(length);
  record.append(event).append(masked_crc(event));
  write_all(file_.get(), record);
}

}  // namespace ringtrain::tracking
