// SPDX-License-Identifier: Apache-2.0
#include "mpijob/client/run_program.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/file_descriptor.hpp"

namespace ringtrain::mpijob {
namespace {

std::string read_all(const FileDescriptor& from) {
  constexpr size_t kMost = 1 << 20;
  std::string text;
  std::array<char, 4096> buffer;
  for (;;) {
    const ssize_t size = ::read(from.get(), buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return text;
    if (text.size() < kMost) text.append(buffer.data(), static_cast<size_t>(size));
  }
}

}  // namespace

ProgramOutput run_program(const std::vector<std::string>& arguments, const Environment& environment,
                          bool interactive) {
  Pipe out = make_pipe();
  ProgramOutput result;
  try {
    Child child({.arguments = arguments,
                 .environment = environment,
                 .standard_input = interactive ? kInherit : kDevNull,
                 .standard_output = out.write_end.get()});
    out.write_end.close();
    result.output = read_all(out.read_end);
    const ExitStatus status = child.wait();
    if (status.signal != 0) {
      result.problem = fmt::format("was killed by signal {}", status.signal);
    } else if (status.code != 0) {
      result.problem = fmt::format("exited with code {}", status.code);
    }
  } catch (const std::system_error& error) {
    result.problem = fmt::format("cannot be started: {}", error.code().message());
  }
  return result;
}

}  // namespace ringtrain::mpijob
