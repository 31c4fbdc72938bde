// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/run_script.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <glob.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <filesystem>
#include <optional>
#include <random>
#include <sstream>
#include <system_error>
#include <utility>

#include "base/command_line.hpp"
#include "base/error.hpp"
#include "base/host_name.hpp"
#include "base/text.hpp"
#include "base/whole_number.hpp"
#include "launcher/commands/script_hosts.hpp"
#include "launcher/mpi/mpirun.hpp"
#include "launcher/process/process.hpp"
#include "launcher/process/stop_signals.hpp"
#include "launcher/script/held_port.hpp"
#include "launcher/script/rank_environment.hpp"
#include "launcher/script/rank_spec.hpp"
#include "launcher/supervise/mpirun_starter.hpp"
#include "launcher/supervise/run_record.hpp"
#include "launcher/supervise/supervise.hpp"
#include "launcher/supervise/system_clock.hpp"
#include "launcher/terminal/script_display.hpp"

namespace ringtrain::launcher {
namespace {

namespace fs = std::filesystem;

std::string find_python(const std::string& chosen) {
  const char* const variable = std::getenv("PYTHON_EXEC");
  const std::string name = !chosen.empty() ? chosen : variable != nullptr ? variable : "python3";
  const std::string path = find_program(name);
  if (path.empty()) {
    throw job_error(fmt::format("{} is missing: install Python 3, or name one by --python", name));
  }
  return fs::absolute(path).string();
}

// Returns the program that every rank runs and its arguments.
std::vector<std::string> program_of(const RunOptions& options, bool local) {
  const ScriptOptions& script = options.script;
  const std::string& name = options.job_file;
  const bool is_python =
      script.module || (!script.no_python && fs::path(name).extension() == ".py");
  std::vector<std::string> words;
  if (is_python) {
    words = {find_python(script.python), "-u"};
    if (script.module) words.emplace_back("-m");
    words.push_back(name);
    // Other hosts may see other disks.
    if (!script.module && local && ::access(name.c_str(), R_OK) != 0) {
      throw job_error(fmt::format("{}: cannot be read: {}", name,
                                  std::error_code(errno, std::generic_category()).message()));
    }
  } else {
    const std::string path = find_program(name);
    if (path.empty() && local) {
      throw job_error(fmt::format("{}: there is no such program", name));
    }
    words = {path.empty() ? name : fs::absolute(path).string()};
  }
  words.insert(words.end(), script.arguments.begin(), script.arguments.end());
  return words;
}

// Makes "runs/train-20261127-234502", or with a number behind it where that is there already.
fs::path make_run_folder(const RunOptions& options) {
  if (!options.run_dir.empty()) return options.run_dir;
  const std::string name = options.script.module
                               ? options.job_file.substr(options.job_file.rfind('.') + 1)
                               : fs::path(options.job_file).stem().string();
  const std::string base =
      fmt::format("{}-{:%Y%m%d-%H%M%S}", name, fmt::localtime(std::time(nullptr)));
  std::error_code error;
  fs::create_directories("runs", error);
  for (int number = 1; !error; ++number) {
    const fs::path folder =
        fs::path("runs") / (number == 1 ? base : fmt::format("{}-{}", base, number));
    if (fs::create_directory(folder, error)) return folder;
  }
  throw job_error(
      fmt::format("runs: cannot be made here: {}: choose a folder by --run-dir", error.message()));
}

// Remembers the newest file of some patterns. Asked again, says whether there is a newer one.
class NewestFile {
 public:
  void watch(const std::string& pattern) {
    if (!pattern.empty()) patterns_.push_back(pattern);
    is_newer();
  }

  bool is_newer() {
    glob_t found{};
    for (const std::string& pattern : patterns_) {
      ::glob(pattern.c_str(), &pattern == patterns_.data() ? 0 : GLOB_APPEND, nullptr, &found);
    }
    std::optional<fs::file_time_type> newest;
    for (size_t i = 0; i < found.gl_pathc; ++i) {
      std::error_code error;
      const auto time = fs::last_write_time(found.gl_pathv[i], error);
      if (!error && (!newest || time > *newest)) newest = time;
    }
    ::globfree(&found);
    const bool newer = newest && (!newest_ || *newest > *newest_);
    if (newer) newest_ = newest;
    return newer;
  }

 private:
  std::vector<std::string> patterns_;
  std::optional<fs::file_time_type> newest_;
};

std::vector<int> local_ranks(const std::string& text) {
  std::vector<int> ranks;
  std::istringstream entries(text);
  std::string entry;
  while (std::getline(entries, entry, ',')) {
    const auto rank = whole_number(entry);
    if (!rank) {
      throw job_error(fmt::format("--local-ranks-filter {}: must be local ranks, as in 0,1", text));
    }
    ranks.push_back(*rank);
  }
  return ranks;
}

int restarts_of(const ScriptOptions& script) {
  constexpr int kRestarts = 3;
  return script.max_restarts < 0 ? kRestarts : script.max_restarts;
}

// Returns the description of the ranks, without the folder of the run.
RankSpec spec_of(const ScriptOptions& script) {
  RankSpec spec{.master_address = {},
                .master_port = script.master_port,
                .fixed_port = script.master_port != 0,
                .slots = {},
                .max_restarts = restarts_of(script),
                .restart_failures = script.max_restarts >= 0,
                .run_id = script.run_id,
                .log_folder = script.log_dir,
                .tee = script.tee,
                .redirects = script.redirects,
                .shown = local_ranks(script.local_ranks_filter),
                .silence = script.silence};
  static_cast<void>(Streams(spec.tee, "--tee"));  // refuses what it cannot read
  static_cast<void>(Streams(spec.redirects, "--redirects"));
  return spec;
}

void set_folder(const fs::path& folder, RankSpec& spec) {
  if (spec.run_id.empty()) spec.run_id = (folder / "").parent_path().filename().string();
  if (spec.log_folder.empty()) spec.log_folder = (folder / "logs").string();
  spec.log_folder = fs::absolute(spec.log_folder).lexically_normal().string();
}

// Makes the command of a rank, with a new port for each attempt.
class RankCommand {
 public:
  RankCommand(RankSpec spec, std::vector<std::string> program)
      : spec_(std::move(spec)), program_(std::move(program)) {}

  std::vector<std::string> operator()(const RankLayout& layout) {
    spec_.slots.clear();
    for (const Host& host : layout.hosts) spec_.slots.push_back(host.slots);
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

// Everything that is known of a run before its folder is made: mistakes of the user are found here.
struct ScriptRun {
  explicit ScriptRun(const RunOptions& options)
      : spec(spec_of(options.script)),
        supervision(plan_script(options)),
        local(all_are_this_machine(supervision.hosts.hosts())),
        program(program_of(options, local)),
        mpirun(find_mpirun()) {
    checkpoints.watch(options.script.checkpoint);
    supervision.script =
        ScriptTerms{.hang_timeout = std::chrono::seconds(options.script.hang_timeout),
                    .has_progressed = [this] { return checkpoints.is_newer(); }};
    supervision.restarts = restarts_of(options.script);
    supervision.host_timeout = std::chrono::seconds(options.host_timeout);
  }
  ScriptRun(const ScriptRun&) = delete;
  ScriptRun& operator=(const ScriptRun&) = delete;

  RankSpec spec;
  Supervision supervision;
  bool local;  // all ranks are on this machine
  std::vector<std::string> program;
  Mpirun mpirun;
  NewestFile checkpoints;
};

RunEnd supervise_script(ScriptRun& run, bool prints_events, StopSignals& stop, int events) {
  const std::string note =
      run.local ? crowding_note(run.supervision.ranks, this_machine_cores()) : "";
  if (!note.empty()) complain(note);
  std::vector<EventRelay> relays;
  if (prints_events) relays.emplace_back(STDOUT_FILENO, EventRelay::For::log);
  relays.emplace_back(events, EventRelay::For::file);
  RankCommand command(run.spec, run.program);
  SystemClock clock(stop);
  MpirunStarter starter(
      run.mpirun, [&](const RankLayout& layout, StartFrom) { return command(layout); }, stop);
  ScriptDisplay display(std::move(relays));
  return supervise(run.supervision, starter, clock, display);
}

}  // namespace

int run_script(const RunOptions& options) {
  StopSignals stop;  // before any start: a signal in between must not leave processes behind
  ScriptRun run(options);
  const fs::path folder = make_run_folder(options);
  set_folder(folder, run.spec);
  run.checkpoints.watch(run.spec.log_folder + "/attempt-*/rank-*" + kSavedSuffix);
  RunRecord record(folder, options.run_dir.empty() ? "runs" : "--run-dir");
  RunEnd end;
  try {
    end = supervise_script(run, options.events, stop, record.events());
  } catch (const std::exception& error) {
    record.finish(
        {.status = RunStatus::failed, .exit_code = exit_code_of(error), .cause = error.what()});
    throw;
  }
  record.finish(end.outcome);
  if (*end.outcome.exit_code != 0) {
    if (!end.log.empty()) complain("its output: " + end.log);
    complain(fmt::format("{}: {}", options.job_file, end.outcome.cause));
    requeue_if_asked(end.outcome);
  }
  return *end.outcome.exit_code;
}

}  // namespace ringtrain::launcher
