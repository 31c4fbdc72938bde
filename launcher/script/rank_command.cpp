// SPDX-License-Identifier: Apache-2.0
#include "launcher/script/rank_command.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include "base/deadline.hpp"
#include "base/error.hpp"
#include "base/file_descriptor.hpp"
#include "base/machine.hpp"
#include "base/spawn.hpp"
#include "job/events.hpp"
#include "launcher/script/activity.hpp"
#include "launcher/script/held_port.hpp"
#include "launcher/script/rank_environment.hpp"
#include "launcher/script/rank_output.hpp"
#include "launcher/script/rank_report.hpp"
#include "launcher/script/rank_spec.hpp"
#include "launcher/script/stacks.hpp"

namespace ringtrain::launcher {
namespace {

using std::chrono::milliseconds;

// A rank that lost another one waits for so long, so that mpirun, which ends all at the first exit
// code but 0, leaves that one the time to report.
constexpr milliseconds kForTheCause(2'000);

void report(const Event& event) {
  // Taken by nobody where mpirun is gone.
  write_all(STDOUT_FILENO, print_event(event, attempt_from_environment()) + "\n");
}

// Signals that arrive as bytes of a descriptor while the object lives.
FileDescriptor block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2}) sigaddset(&signals, signal);
  checked(::sigprocmask(SIG_BLOCK, &signals, nullptr), "sigprocmask");
  return FileDescriptor(checked(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK), "signalfd"));
}

// A rank from the start of its script to the report on its end.
class ScriptRank {
 public:
  ScriptRank(const RankSpec& spec, const RankPlace& place, const std::vector<std::string>& program)
      : spec_(spec),
        place_(place),
        files_(files_of_rank(spec, place, attempt_from_environment())),
        signals_(block_signals()),
        output_(spec, place, files_ + ".log") {
    const Environment environment = environment_of_rank(
        spec, place, attempt_from_environment(),
        std::max(1, this_machine_cores().usable() / std::max(1, place.local_world_size)));
    // In a group of its own: signals of mpirun reach the script through us alone.
    Pipe out = make_pipe();
    Pipe err = make_pipe();
    script_ = Child({.arguments = program,
                     .environment = environment,
                     .standard_input = kInherit,
                     .standard_output = out.write_end.get(),
                     .standard_error = err.write_end.get(),
                     .own_group = true,
                     .death_signal = SIGKILL});
    out_ = std::move(out.read_end);
    err_ = std::move(err.read_end);
    ended_ = FileDescriptor(static_cast<int>(::syscall(SYS_pidfd_open, script_.process(), 0)));
    checked(ended_.get(), "pidfd_open");
    const auto between_looks = milliseconds(static_cast<int64_t>(spec.silence * 200));
    look_every_ = std::clamp(between_looks, milliseconds(100), milliseconds(5'000));
    activity_.emplace(script_.process(), look_every_);
    if (place.rank == 0) {
      report(StartedEvent{
          .placement = placement_of(spec), .world_size = place.world_size, .communication = {}});
    }
  }

  int run() {
    while (!has_ended_) {
      std::array<pollfd, 4> events{pollfd{out_.get(), POLLIN, 0}, pollfd{err_.get(), POLLIN, 0},
                                   pollfd{ended_.get(), POLLIN, 0},
                                   pollfd{signals_.get(), POLLIN, 0}};
      poll_until(events, Deadline(look_every_));
      if (events[0].revents != 0) take(out_, false);
      if (events[1].revents != 0) take(err_, true);
      if (events[3].revents != 0) take_signals();
      has_ended_ = events[2].revents != 0;
      look_for_silence();
    }
    take_signals();  // those that came with the script's end
    for (FileDescriptor* stream : {&out_, &err_}) drain(*stream, stream == &err_);
    output_.finish();
    return end();
  }

 private:
  bool take(FileDescriptor& from, bool error) {
    std::array<char, 65536> buffer;
    const ssize_t size = ::read(from.get(), buffer.data(), buffer.size());
    if (size > 0) {
      output_.take({buffer.data(), static_cast<size_t>(size)}, error);
      activity_->printed();
    }
    if (size == 0 || (size < 0 && errno != EINTR && errno != EAGAIN)) from.close();
    return size > 0;
  }

  // Takes what is still in the pipe; a process that the script left behind may hold it open.
  void drain(FileDescriptor& from, bool error) {
    if (from.is_open()) ::fcntl(from.get(), F_SETFL, O_NONBLOCK);
    while (from.is_open() && take(from, error)) {
    }
  }

  void take_signals() {
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
      const auto signal = static_cast<int>(info.ssi_signo);
      if (signal == SIGUSR1) continue;
      being_ended_ = true;
      was_asked_ = was_asked_ || signal == SIGUSR2;
      // Once: a second SIGTERM would cut the script's last checkpoint short.
      if (!std::exchange(has_sent_, true) && !has_ended_) ::kill(script_.process(), SIGTERM);
    }
  }

  void look_for_silence() {
    const double seconds = activity_->silence().count();
    const bool silent = seconds >= spec_.silence;
    if (silent == is_silent_ || has_ended_) return;
    is_silent_ = silent;
    RankSilentEvent event{.rank = place_.rank,
                          .host = host_name(),
                          .silent = silent,
                          .seconds = seconds,
                          .at = {},
                          .waits_in = {}};
    if (silent) {
      if (auto position = stack_of(script_.process(), files_ + ".stacks")) {
        event.at = std::move(position->at);
        event.waits_in = std::move(position->waits_in);
      }
    }
    report(event);
  }

  int end() {
    const ExitStatus status = script_.wait();
    auto ended = report_on({.status = status,
                            .standard_error = output_.standard_error(),
                            .restart_failures = spec_.restart_failures,
                            .being_ended = being_ended_},
                           std::filesystem::current_path());
    if (ended) {
      ended->rank = place_.rank;
      ended->host = host_name();
      ended->log = files_ + ".log";
      report(*ended);
      if (ended->consequence) wait_for_the_cause();
    }
    return was_asked_ ? 0 : status.shell_code();
  }

  void wait_for_the_cause() const {
    std::array<pollfd, 1> signal{pollfd{signals_.get(), POLLIN, 0}};
    if (!being_ended_) poll_until(signal, Deadline(kForTheCause));
  }

  const RankSpec& spec_;
  const RankPlace place_;
  const std::string files_;
  FileDescriptor signals_;
  RankOutput output_;
  Child script_;
  FileDescriptor out_;
  FileDescriptor err_;
  FileDescriptor ended_;
  milliseconds look_every_{};
  std::optional<Activity> activity_;
  bool has_ended_ = false;
  bool is_silent_ = false;
  bool being_ended_ = false;
  bool was_asked_ = false;
  bool has_sent_ = false;
};

// Holds the port of the ranks' store until the end: the script binds it beside us.
std::unique_ptr<HeldPort> hold_port(const RankSpec& spec) {
  try {
    return std::make_unique<HeldPort>(spec.master_port);
  } catch (const std::system_error& error) {
    throw std::runtime_error(fmt::format("port {}: {}{}", spec.master_port, error.code().message(),
                                         spec.fixed_port ? ": choose another --master-port" : ""));
  }
}

void enter(const std::string& directory) {
  std::error_code error;
  if (!directory.empty()) std::filesystem::current_path(directory, error);
  if (error) {
    throw std::runtime_error(fmt::format("{}: cannot be entered: {}: correct script.directory",
                                         directory, error.message()));
  }
}

// Takes back what Open MPI needs where it lies in a folder of its own beside us, as in a pod: the
// script may have another one.
void forget_own_mpi() {
  const char* const prefix = std::getenv("OPAL_PREFIX");
  std::error_code error;
  const auto own = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
  if (prefix == nullptr || error || own.parent_path() != prefix) return;
  ::unsetenv("OPAL_PREFIX");
  ::unsetenv("PMIX_MCA_pcompress_base_silence_warning");
}

}  // namespace

int rank_command(const std::vector<std::string>& arguments) {
  if (arguments.size() < 2) return kExitBadJob;
  const RankSpec spec = parse_rank_spec(arguments[0]);
  const RankPlace place = place_from_mpirun();
  bool port_is_taken = true;
  try {
    std::unique_ptr<HeldPort> port;
    if (place.rank == 0) port = hold_port(spec);
    port_is_taken = false;
    enter(spec.directory);
    forget_own_mpi();
    return ScriptRank(spec, place, {arguments.begin() + 1, arguments.end()}).run();
  } catch (const std::exception& error) {
    report(RankEndedEvent{.rank = place.rank,
                          .host = host_name(),
                          .exit_code = kExitBadJob,
                          .message = error.what(),
                          .again = port_is_taken && !spec.fixed_port,
                          .log = {}});
    return kExitBadJob;
  }
}

}  // namespace ringtrain::launcher
