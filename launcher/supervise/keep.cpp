// SPDX-License-Identifier: Apache-2.0
#include "launcher/supervise/keep.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <nlohmann/json.hpp>
#include <system_error>
#include <thread>
#include <utility>

#include "base/deadline.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/spawn.hpp"
#include "job/events.hpp"
#include "job/outcome_file.hpp"
#include "launcher/process/process_tree.hpp"

namespace ringtrain::launcher {
namespace {

namespace fs = std::filesystem;

constexpr int kNice = 5;
constexpr size_t kMaxLogBytes = size_t{64} << 20;
constexpr size_t kMaxLogLine = 16384;

// train.log: each line with its time, up to kMaxLogBytes.
class Log {
 public:
  explicit Log(const fs::path& file)
      : file_(
            checked(::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644), "open")),
        size_(static_cast<size_t>(checked(::lseek(file_.get(), 0, SEEK_END), "lseek"))) {}

  void feed(std::string_view bytes) {
    lines_.feed(bytes, [this](const std::string& line) { add(line); });
  }
  void finish() {
    lines_.finish([this](const std::string& line) { add(line); });
  }
  const std::string& last_line() const { return last_; }

 private:
  void add(const std::string& line) {
    if (is_full_ || line.empty() || line[0] == '\x1e') return;
    last_ = line.substr(0, kMaxLogLine);
    std::string text =
        fmt::format("{} {}\n", print_time_ms(std::chrono::system_clock::now()), last_);
    if (size_ + text.size() > kMaxLogBytes) {
      is_full_ = true;
      text = "the log is full: lines from here on are left out\n";
    }
    size_ += write_all(file_.get(), text);
  }

  FileDescriptor file_;
  size_t size_;
  bool is_full_ = false;
  Lines lines_;
  std::string last_;
};

Outcome outcome_of(ExitStatus status, const std::string& last_line, Time started) {
  Outcome outcome{.status = RunStatus::killed,
                  .cause = fmt::format("the launcher was ended by signal {}", status.signal),
                  .started = started,
                  .ended = std::chrono::system_clock::now()};
  if (status.signal == 0) {
    outcome.status = RunStatus::failed;
    outcome.exit_code = status.code;
    outcome.cause =
        last_line.empty() ? fmt::format("the launcher ended with code {}", status.code) : last_line;
  }
  return outcome;
}

// The life of the keeper.
class Keeper {
 public:
  Keeper(fs::path folder, std::vector<std::string> command)
      : folder_(std::move(folder)), command_(std::move(command)), log_(folder_ / "train.log") {}

  int run(const FileDescriptor& started) {
    set_up();
    Pipe output = make_pipe();
    const Time begun = std::chrono::system_clock::now();
    launcher_ = spawn({.arguments = command_,
                       .standard_output = output.write_end.get(),
                       .standard_error = output.write_end.get(),
                       .death_signal = SIGTERM});
    output.write_end.close();
    const nlohmann::ordered_json record = {
        {"version", 1}, {"pid", ::getpid()}, {"launcher", launcher_}};
    write_file(folder_ / "run.json", record.dump() + "\n");
    write_all(started.get(), "+");
    const ExitStatus status = wait(output.read_end);
    log_.finish();
    // The run in the cluster continues without its follower, and another one takes it up.
    const bool runs_on = command_.size() > 1 && command_[1] == "follow" && status.signal != 0;
    if (!runs_on && !read_outcome(folder_ / "outcome.json")) {
      write_outcome(folder_ / "outcome.json", outcome_of(status, log_.last_line(), begun));
    }
    return status.shell_code();
  }

 private:
  void set_up() {
    ::setsid();
    checked(::prctl(PR_SET_CHILD_SUBREAPER, 1), "prctl");
    for (const int signal : {SIGHUP, SIGPIPE, SIGQUIT}) ::signal(signal, SIG_IGN);
    errno = 0;
    [[maybe_unused]] const int nice_now = ::nice(kNice);
    const FileDescriptor score(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
    if (score.is_open()) write_all(score.get(), "500");
    sigset_t taken;
    sigemptyset(&taken);
    for (const int signal : {SIGCHLD, SIGTERM, SIGINT, SIGUSR1, SIGUSR2}) {
      sigaddset(&taken, signal);
    }
    checked(::sigprocmask(SIG_SETMASK, &taken, nullptr), "sigprocmask");
    signals_ =
        FileDescriptor(checked(::signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK), "signalfd"));
  }

  // Returns the launcher's status when no process is left below us.
  ExitStatus wait(FileDescriptor& output) {
    int status = 0;
    for (bool alone = false; !alone;) {
      std::array<pollfd, 2> events{pollfd{signals_.get(), POLLIN, 0},
                                   pollfd{output.get(), POLLIN, 0}};
      if (::poll(events.data(), events.size(), -1) < 0 && errno != EINTR) break;
      if (events[1].revents != 0) read(output);
      pass_signals();
      if (reap(launcher_, status, alone)) has_ended_ = true;
    }
    while (output.is_open() && read(output)) {
    }
    return exit_status(status);
  }

  bool read(FileDescriptor& output) {
    std::array<char, 16384> buffer;
    const ssize_t size = ::read(output.get(), buffer.data(), buffer.size());
    if (size > 0) log_.feed({buffer.data(), static_cast<size_t>(size)});
    if (size == 0 || (size < 0 && errno != EINTR)) output.close();
    return size > 0;
  }

  void pass_signals() {
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
      const auto signal = static_cast<int>(info.ssi_signo);
      if (signal != SIGCHLD && !has_ended_) ::kill(launcher_, signal);
    }
  }

  const fs::path folder_;
  const std::vector<std::string> command_;
  Log log_;
  FileDescriptor signals_;
  pid_t launcher_ = 0;
  bool has_ended_ = false;
};

bool is_locked(const fs::path& file) {
  const FileDescriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  return opened.is_open() && ::flock(opened.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

bool is_same_file(int descriptor, const fs::path& file) {
  struct stat one {
  }, other{};
  return ::fstat(descriptor, &one) == 0 && ::stat(file.c_str(), &other) == 0 &&
         one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

FileDescriptor lock_of(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  try {
    if (is_same_file(STDIN_FILENO, folder / "run.lock")) {
      return FileDescriptor(checked(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3), "fcntl"));
    }
    // Whoever only looks whether it is held has it for a moment, too.
    for (const Deadline deadline(std::chrono::seconds(1)); !deadline.passed();) {
      if (auto lock = lock_run(folder)) return std::move(*lock);
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  } catch (const std::system_error& cannot) {
    throw job_error(fmt::format("{}: run.lock cannot be made: {}: choose another folder",
                                folder.string(), cannot.code().message()));
  }
  throw job_error(
      fmt::format("{}: a run is kept there already: choose another folder", folder.string()));
}

}  // namespace

std::optional<FileDescriptor> lock_run(const fs::path& folder) {
  FileDescriptor lock(checked(
      ::open((folder / "run.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644), "run.lock"));
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) return std::nullopt;
  return lock;
}

pid_t keep(const fs::path& folder, const std::string& program,
           const std::vector<std::string>& arguments) {
  const FileDescriptor lock = lock_of(folder);
  std::vector<std::string> command = {program};
  command.insert(command.end(), arguments.begin(), arguments.end());
  command.insert(command.end(), {"--run-dir", folder.string()});
  Pipe started = make_pipe();
  const pid_t keeper = spawn({.body =
                                  [&] {
                                    started.read_end.close();
                                    return Keeper(folder, command).run(started.write_end);
                                  },
                              .standard_output = kDevNull,
                              .standard_error = kDevNull});
  started.write_end.close();
  char answer = 0;
  while (::read(started.read_end.get(), &answer, 1) < 0 && errno == EINTR) {
  }
  if (answer != '+') {
    throw job_error(
        fmt::format("{}: the run cannot be started there: is the disk full?", folder.string()));
  }
  return keeper;
}

bool run_lives(const fs::path& folder) {
  return is_locked(folder / "run.lock") || is_locked(folder / "events.jsonl");
}

bool signal_run(const fs::path& folder, int signal) {
  try {
    const auto record = nlohmann::json::parse(read_file(folder / "run.json"));
    const FileDescriptor process(
        static_cast<int>(::syscall(SYS_pidfd_open, record.at("pid").get<pid_t>(), 0)));
    // While the lock is held its keeper lives, and so the number is the keeper's.
    if (!process.is_open() || !is_locked(folder / "run.lock")) return false;
    return ::syscall(SYS_pidfd_send_signal, process.get(), signal, nullptr, 0) == 0;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace ringtrain::launcher
