// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/script_run.hpp"

#include <chrono>
#include <optional>
#include <random>
#include <system_error>
#include <utility>

#include "base/command_line.hpp"
#include "base/machine.hpp"
#include "launcher/script/held_port.hpp"
#include "launcher/script/rank_environment.hpp"
#include "launcher/script/script_program.hpp"
#include "launcher/supervise/mpirun_starter.hpp"
#include "launcher/supervise/system_clock.hpp"
#include "launcher/terminal/script_display.hpp"

namespace ringtrain::launcher {
namespace {

namespace fs = std::filesystem;

// Makes the command of a rank, with a new port for each attempt.
class RankCommand {
 public:
  RankCommand(RankSpec spec, std::vector<std::string> program)
      : spec_(std::move(spec)), program_(std::move(program)) {}

  std::vector<std::string> operator()(const RankLayout& layout) {
    spec_.hosts.clear();
    spec_.slots.clear();
    for (const Host& host : layout.hosts) {
      spec_.hosts.push_back(layout.local ? host_name() : host.name);
      spec_.slots.push_back(host.slots);
    }
    spec_.master_address = layout.local ? "127.0.0.1" : address_of(layout.hosts.front().name);
    if (!spec_.fixed_port) spec_.master_port = new_port(layout.hosts.front().name);
    std::vector<std::string> words = {layout.program, "rank", print_rank_spec(spec_)};
    words.insert(words.end(), program_.begin(), program_.end());
    return words;
  }

 private:
  static std::string address_of(const std::string& host) {
    return is_this_machine(host) ? host_name() : host;
  }

  // Rank 0 holds its port. On this machine it is known to be free before that starts; elsewhere one
  // is drawn below those that the kernel gives to outgoing connections.
  int new_port(const std::string& host) {
    held_.reset();
    if (is_this_machine(host)) return held_.emplace().port();
    std::random_device random;
    return std::uniform_int_distribution<int>(20'000, 32'000)(random);
  }

  RankSpec spec_;
  std::vector<std::string> program_;
  std::optional<HeldPort> held_;
};

std::string absolute_text(const fs::path& path) {
  return fs::absolute(path).lexically_normal().string();
}

}  // namespace

ScriptRun::ScriptRun(ScriptPlan plan)
    : plan_(std::move(plan)),
      is_local_(all_are_this_machine(plan_.supervision.hosts.hosts())),
      program_(script_program(plan_.script, plan_.is_program, is_local_, plan_.python_option)),
      mpirun_(find_mpirun()) {
  const ScriptSpec& script = plan_.script;
  RankSpec& ranks = plan_.ranks;
  ranks.max_restarts = plan_.supervision.restarts;
  ranks.restart_failures = script.restart_failures;
  ranks.silence = script.silence_seconds;
  if (!script.directory.empty()) ranks.directory = absolute_text(script.directory);
  ranks.environment = script.env;
  static_cast<void>(Streams(ranks.tee, "--tee"));  // refuses what it cannot read
  static_cast<void>(Streams(ranks.redirects, "--redirects"));
  if (!script.checkpoint.empty()) {
    checkpoints_.watch((script.directory / script.checkpoint).string());
  }
  plan_.supervision.script =
      ScriptTerms{.hang_timeout = std::chrono::seconds(script.hang_timeout_seconds),
                  .has_progressed = [this] { return checkpoints_.is_newer(); }};
}

void ScriptRun::set_folder(const fs::path& folder) {
  RankSpec& ranks = plan_.ranks;
  ranks.output = absolute_text(folder);
  if (ranks.run_id.empty()) ranks.run_id = (folder / "").parent_path().filename().string();
  ranks.log_folder =
      absolute_text(ranks.log_folder.empty() ? folder / "logs" : fs::path(ranks.log_folder));
  checkpoints_.watch(ranks.log_folder + "/attempt-*/rank-*" + kSavedSuffix);
}

RunEnd ScriptRun::supervise(const fs::path& folder, std::vector<EventRelay> relays,
                            StopSignals& stop) {
  set_folder(folder);
  const std::string note =
      is_local_ ? crowding_note(plan_.supervision.ranks, this_machine_cores()) : "";
  if (!note.empty()) complain(note);
  RankCommand command(plan_.ranks, program_);
  SystemClock clock(stop);
  MpirunStarter starter(
      mpirun_, [&](const RankLayout& layout, StartFrom) { return command(layout); }, stop);
  ScriptDisplay display(std::move(relays));
  return launcher::supervise(plan_.supervision, starter, clock, display);
}

}  // namespace ringtrain::launcher
