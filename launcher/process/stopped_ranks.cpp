// SPDX-License-Identifier: Apache-2.0
#include "launcher/process/stopped_ranks.hpp"

#include <fmt/format.h>

#include <string_view>

#include "base/error.hpp"
#include "base/file.hpp"
#include "launcher/process/process_tree.hpp"

namespace ringtrain::launcher {
namespace {

std::string rank_of(pid_t process) {
  std::string environment;
  try {
    environment = '\0' + read_file(fmt::format("/proc/{}/environ", process));
  } catch (const Error&) {
    return "";  // ended meanwhile, or another user's
  }
  constexpr std::string_view kName("\0OMPI_COMM_WORLD_RANK=", 22);
  const auto start = environment.find(kName);
  if (start == std::string::npos) return "";
  const auto from = start + kName.size();
  return environment.substr(from, environment.find('\0', from) - from);
}

}  // namespace

std::string stopped_ranks(pid_t root) {
  std::string text;
  for (const pid_t process : descendants(root)) {
    if (stat_of(process).state != 'T') continue;
    if (const std::string rank = rank_of(process); !rank.empty()) {
      text += fmt::format("; rank {} is paused (SIGSTOP)", rank);
    }
  }
  return text;
}

}  // namespace ringtrain::launcher
