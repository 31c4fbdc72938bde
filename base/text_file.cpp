// SPDX-License-Identifier: Apache-2.0
#include "base/text_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace ringtrain {

std::string read_text_file(const std::filesystem::path& file) {
  constexpr std::size_t most = 4 << 20;
  const auto fail = [&](const char* why) {
    throw std::runtime_error(fmt::format("{}: {}", file.string(), why));
  };
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) fail(std::strerror(errno));
  std::string text;
  std::array<char, 65536> buffer;
  ssize_t size = 0;
  int problem = 0;
  do {
    size = ::read(descriptor, buffer.data(), buffer.size());
    if (size < 0 && errno != EINTR) problem = errno;
    if (size > 0) text.append(buffer.data(), static_cast<std::size_t>(size));
  } while (size != 0 && problem == 0 && text.size() <= most);
  ::close(descriptor);
  if (problem != 0) fail(std::strerror(problem));
  if (text.size() > most) fail("larger than 4 MiB");
  return text;
}

}  // namespace ringtrain
