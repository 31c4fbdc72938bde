// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/keep_command.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "launcher/supervise/keep.hpp"

namespace ringtrain::launcher {

namespace {

[[noreturn]] void refuse() {
  throw job_error("keep: the run is missing, as in: ringtrain keep DIR -- run job.yaml -n 4");
}

}  // namespace

int run_keep(const std::vector<std::string>& words) {
  const size_t first = words.size() > 1 && words[1] == "--" ? 2 : 1;
  if (words.size() <= first || words[first] != "run") refuse();
  const auto folder = std::filesystem::absolute(words[0]);
  const auto program = std::filesystem::read_symlink("/proc/self/exe").string();
  const pid_t keeper =
      keep(folder, program, {words.begin() + static_cast<std::ptrdiff_t>(first), words.end()});
  fmt::print("process {}, log {}\n", keeper, (folder / "train.log").string());
  return 0;
}

void add_keep_command(CLI::App& app) {
  CLI::App* const command = app.add_subcommand(
      "keep", "Start a run that outlives this terminal: ringtrain keep DIR -- run job.yaml -n 4");
  command->footer(
      "DIR gets train.log, events.jsonl and, at every end, outcome.json. SIGTERM to the process "
      "that is printed stops the run with a checkpoint.");
  command->callback([] { refuse(); });
}

}  // namespace ringtrain::launcher
