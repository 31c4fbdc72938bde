// SPDX-License-Identifier: Apache-2.0
// The commands of the program that pip builds from a clone, in place of all_commands.cpp and
// tracking.cpp.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/error.hpp"
#include "launcher/commands/all_commands.hpp"
#include "launcher/commands/completion.hpp"
#include "launcher/commands/doctor.hpp"
#include "launcher/commands/examples.hpp"
#include "launcher/commands/run_command.hpp"
#include "launcher/commands/tracking.hpp"
#include "launcher/mpi/remote_shell.hpp"
#include "launcher/script/rank_command.hpp"

namespace ringtrain::launcher {
namespace {

constexpr std::array<std::string_view, 23> kElsewhere = {
    "bench", "clone",  "dataset", "delete", "evaluate", "finish", "keep",    "jobs",
    "logs",  "model",  "predict", "render", "resume",   "scale",  "schema",  "server",
    "serve", "status", "stop",    "submit", "suspend",  "track",  "validate"};

}  // namespace

std::optional<int> run_by_name(const std::string& /*name*/,
                               const std::vector<std::string>& /*words*/,
                               const std::string& /*version*/) {
  return std::nullopt;
}

std::optional<int> run_for_programs(const std::vector<std::string>& words) {
  if (words.empty()) return std::nullopt;
  const std::vector<std::string> rest(words.begin() + 1, words.end());
  if (words[0] == "remote-shell") return remote_shell(rest);
  if (words[0] == "guard" && rest.size() == 2) return guard(rest[0], rest[1]);
  if (words[0] == "rank") return rank_command(rest);
  if (std::ranges::find(kElsewhere, words[0]) != kElsewhere.end()) {
    throw job_error(
        fmt::format("{}: this ringtrain runs scripts alone, as pip builds it from a clone: install "
                    "a wheel or .deb of scripts/package for all commands",
                    words[0]));
  }
  return std::nullopt;
}

void add_all_commands(CLI::App& app, std::vector<std::string>& words, int& exit_code) {
  add_run_command(app, words, exit_code);
  add_doctor_command(app, false, exit_code);
  add_completion_command(app);
  add_examples(app);
}

// It reports to nobody.
std::shared_ptr<tracking::Tracker> start_tracker(const RunOptions& options, const JobSpec&,
                                                 const RunRecord*, bool) {
  if (!options.metrics.empty() || options.tensorboard) {
    throw job_error(
        "--metrics, --tensorboard: this ringtrain runs scripts alone, as pip builds it from a "
        "clone: install a wheel or .deb of scripts/package");
  }
  return nullptr;
}

int events_of(const tracking::Tracker&) { return -1; }  // never called: there is none

void finish_tracker(tracking::Tracker&, const JobSpec&, Outcome, Time) {}

}  // namespace ringtrain::launcher
