// SPDX-License-Identifier: Apache-2.0
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>

#include "base/deadline.hpp"
#include "launcher/process/process.hpp"

namespace ringtrain::launcher {

namespace {

constexpr size_t kMost = 1 << 20;  // bytes kept of a stream

void drain(FileDescriptor& from, std::string& to) {
  std::array<char, 4096> buffer{};
  const ssize_t size = ::read(from.get(), buffer.data(), buffer.size());
  if (size > 0 && to.size() < kMost) to.append(buffer.data(), static_cast<size_t>(size));
  if (size == 0 || (size < 0 && errno != EINTR)) from.close();
}

}  // namespace

Captured capture(const std::vector<std::string>& arguments, std::chrono::milliseconds limit,
                 const Environment& environment) {
  Process process(arguments, environment);
  Captured result;
  const Deadline deadline(limit);
  FileDescriptor& out = process.standard_output();
  FileDescriptor& err = process.standard_error();
  while (out.is_open() || err.is_open()) {
    std::array<pollfd, 2> events{pollfd{out.get(), POLLIN, 0}, pollfd{err.get(), POLLIN, 0}};
    if (!poll_until(events, deadline)) {
      result.timed_out = true;
      process.kill();
      break;
    }
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
  for (size_t start = 0; start <= directories.size();) {
    const auto colon = std::min(directories.find(':', start), directories.size());
    const std::string directory = directories.substr(start, colon - start);
    std::string candidate = (directory.empty() ? "." : directory) + "/" + name;
    if (is_program(candidate)) return candidate;
    start = colon + 1;
  }
  return "";
}

}  // namespace ringtrain::launcher
