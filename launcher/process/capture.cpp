// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>

#include "launcher/process/process.hpp"

namespace ringtrain::launcher {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

Captured capture(const std::vector<std::string>& arguments, milliseconds limit,
                 const Environment& environment) {
  constexpr std::size_t most = 1 << 20;
  Process process(arguments, environment);
  Captured result;
  const auto deadline = Clock::now() + limit;
  const auto drain = [&](FileDescriptor& from, std::string& to) {
    std::array<char, 4096> buffer{};
    const ssize_t size = ::read(from.get(), buffer.data(), buffer.size());
    if (size > 0 && to.size() < most) to.append(buffer.data(), static_cast<std::size_t>(size));
    if (size == 0 || (size < 0 && errno != EINTR)) from.close();
  };
  FileDescriptor& out = process.standard_output();
  FileDescriptor& err = process.standard_error();
  while (out.is_open() || err.is_open()) {
    std::array<pollfd, 2> events{pollfd{out.get(), POLLIN, 0}, pollfd{err.get(), POLLIN, 0}};
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) {
      result.timed_out = true;
      process.kill();
      break;
    }
    const int ready = ::poll(events.data(), events.size(), static_cast<int>(left));
    if (ready < 0 && errno == EINTR) continue;
    checked(ready, "poll");
    if (events[0].revents != 0) drain(out, result.standard_output);
    if (events[1].revents != 0) drain(err, result.standard_error);
  }
  result.status = process.wait();
  return result;
}

std::string find_program(const std::string& name) {
  const auto is_program = [](const std::string& path) {
    return ::access(path.c_str(), X_OK) == 0 && ::access((path + "/.").c_str(), F_OK) != 0;
  };
  if (name.find('/') != std::string::npos) return is_program(name) ? name : "";
  const char* const path = std::getenv("PATH");
  std::string directories = path == nullptr ? "/usr/local/bin:/usr/bin:/bin" : path;
  for (std::size_t start = 0; start <= directories.size();) {
    const auto colon = std::min(directories.find(':', start), directories.size());
    const std::string directory = directories.substr(start, colon - start);
    std::string candidate = (directory.empty() ? "." : directory) + "/" + name;
    if (is_program(candidate)) return candidate;
    start = colon + 1;
  }
  return "";
}

}  // namespace ringtrain::launcher
