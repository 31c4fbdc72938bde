// SPDX-License-Identifier: Apache-2.0
#include "launcher/script/stacks.hpp"

#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <thread>

#include "base/deadline.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "launcher/script/rank_environment.hpp"

namespace ringtrain::launcher {
namespace {

constexpr std::chrono::milliseconds kForTheAnswer(500);
constexpr std::chrono::milliseconds kBetweenLooks(20);

// Whether a process handles a signal, by the mask of /proc/PID/status.
bool handles(pid_t process, int signal) {
  std::string status;
  try {
    status = read_file(fmt::format("/proc/{}/status", process));
  } catch (const Error&) {
    return false;  // ended meanwhile
  }
  constexpr std::string_view kCaught = "\nSigCgt:";
  const auto at = status.find(kCaught);
  if (at == std::string::npos) return false;
  const uint64_t mask = std::strtoull(status.c_str() + at + kCaught.size(), nullptr, 16);
  return (mask >> (signal - 1) & 1) != 0;
}

uintmax_t size_of(const std::string& file) {
  std::error_code error;
  const uintmax_t size = std::filesystem::file_size(file, error);
  return error ? 0 : size;
}

}  // namespace

std::optional<PythonPosition> stack_of(pid_t process, const std::string& file) {
  const int signal = SIGRTMIN + kStackSignal;
  if (!handles(process, signal)) return std::nullopt;
  const uintmax_t before = size_of(file);
  ::kill(process, signal);
  // Complete once it has grown, and has not for a look.
  uintmax_t size = before;
  for (const Deadline deadline(kForTheAnswer); !deadline.passed();) {
    std::this_thread::sleep_for(kBetweenLooks);
    const uintmax_t now = size_of(file);
    if (now > before && now == size) break;
    size = now;
  }
  if (size == before) return std::nullopt;
  try {
    return last_stack(read_file(file).substr(before), std::filesystem::current_path());
  } catch (const Error&) {
    return std::nullopt;  // longer than anyone reads
  }
}

}  // namespace ringtrain::launcher
