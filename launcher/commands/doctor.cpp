// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/doctor.hpp"

#include <fmt/format.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string_view>

#include "base/machine.hpp"
#include "base/text.hpp"
#include "launcher/commands/doctor_gpu.hpp"
#include "launcher/commands/doctor_torch.hpp"
#include "launcher/mpi/mpirun.hpp"
#include "launcher/mpi/mpirun_command.hpp"
#include "launcher/mpi/placement.hpp"
#include "launcher/mpi/worker_program.hpp"
#include "launcher/process/process.hpp"

namespace ringtrain::launcher {
namespace {

using std::chrono::seconds;
using Status = Finding::Status;

Finding examine_mpi(std::optional<Mpirun>& mpirun) {
  Finding finding{"MPI", Finding::Status::good, "", ""};
  try {
    mpirun = find_mpirun();
  } catch (const std::exception& error) {
    return {"MPI", Status::bad, "no usable mpirun", error.what()};
  }
  finding.found = fmt::format("Open MPI {}, {}", mpirun->version, mpirun->path);
  return finding;
}

// Starts one rank of a program that does nothing: that takes root, slots, temporary directories and
// sockets.
Finding examine_start(const Mpirun& mpirun) {
  Finding finding{"start", Finding::Status::good, "", ""};
  const RankLayout layout = lay_out_on({{"localhost", 1}});
  const TemporaryHostfile hostfile(layout.hosts);
  const auto command = mpirun_command(mpirun, layout, hostfile.path(), {"true"});
  const Captured run = capture(command.arguments, seconds(20), command.environment);
  const std::string user = layout.root ? "root" : "this user";
  if (run.status.success() && !run.timed_out) {
    finding.found = fmt::format("mpirun starts programs as {}", user);
    return finding;
  }
  finding.status = Status::bad;
  finding.found =
      run.timed_out ? "mpirun did not end within 20 s" : fmt::format("mpirun fails as {}", user);
  std::istringstream lines(run.standard_error);
  std::string line;
  while (std::getline(lines, line) && (line.empty() || line[0] == '-')) {
  }
  finding.advice = fmt::format("run '{} true' to see why{}{}", mpirun.path,
                               line.empty() ? "" : "; here: ", line);
  return finding;
}

Finding examine_ssh() {
  const std::string path = find_program("ssh");
  if (path.empty()) {
    return {"ssh", Status::missing, "no ssh",
            "only runs on several hosts need it: apt-get install openssh-client"};
  }
  const Captured version = capture({path, "-V"}, seconds(5));
  return {"ssh", Status::good,
          first_line(version.standard_error.empty() ? path : version.standard_error), ""};
}

Finding examine_shared_memory() {
  struct statvfs status {};
  if (::statvfs("/dev/shm", &status) != 0) {
    return {"/dev/shm", Status::bad, "not there", "mount a tmpfs at /dev/shm"};
  }
  const uint64_t size = uint64_t{status.f_blocks} * status.f_frsize;
  const uint64_t free = uint64_t{status.f_bavail} * status.f_frsize;
  Finding finding{"/dev/shm", Status::good,
                  fmt::format("{} free of {}", print_size(free), print_size(size)), ""};
  if (::access("/dev/shm", W_OK) != 0) {
    finding.status = Status::bad;
    finding.advice = "it cannot be written: mount it with mode 1777";
    return finding;
  }
  // Gradients are not there, but in memory of their own. Open MPI's messages between the ranks of a
  // host are (btl_vader_segment_size).
  constexpr uint64_t kBytesOfARank = uint64_t{4} << 20;
  const int ranks = this_machine_cores().usable();
  if (free < kBytesOfARank * static_cast<uint64_t>(ranks)) {
    finding.status = Status::bad;
    finding.advice = fmt::format(
        "too small for {}, whose messages take 4 MiB each: docker run --shm-size=1g, or an "
        "emptyDir of medium Memory in Kubernetes",
        counted(ranks, "rank"));
  }
  return finding;
}

Finding examine_cores() {
  const Cores cores = this_machine_cores();
  Finding finding{
      "cores", Status::good,
      fmt::format(
          "{}, {}{}", counted(cores.cores, "core"), counted(cores.threads, "hardware thread"),
          cores.quota ? fmt::format(", limited to {:.3g} CPUs by the control group", *cores.quota)
                      : ""),
      ""};
  if (cores.quota && *cores.quota < 1) {
    finding.status = Status::bad;
    finding.advice = "less than one CPU: raise the container's limit";
  }
  return finding;
}

Finding examine_memory() {
  const Memory memory = this_machine_memory();
  Finding finding{
      "memory", Status::good,
      fmt::format("{} available of {}{}", print_size(memory.available), print_size(memory.total),
                  memory.limit ? fmt::format(", limited to {} by the control group",
                                             print_size(*memory.limit))
                               : ""),
      ""};
  if (memory.usable() < (uint64_t{512} << 20)) {
    finding.status = Status::bad;
    finding.advice = "a rank needs about 0.5 GiB: free some, or raise the container's limit";
  }
  return finding;
}

Finding examine_worker() {
  std::string worker;
  try {
    worker = find_worker();
  } catch (const std::exception& error) {
    return {"worker", Status::bad, "no ringtrain-worker", error.what()};
  }
  // The first start after a build reads half a gigabyte of libraries from disk.
  const Captured run = capture({worker, "--version"}, seconds(60));
  if (!run.status.success()) {
    return {"worker", Status::bad, fmt::format("{} does not start", worker),
            run.timed_out ? "it did not answer in 60 s"
                          : "its message: " + first_line(run.standard_error)};
  }
  std::string versions;
  std::istringstream lines(run.standard_output);
  std::string line;
  while (std::getline(lines, line)) {
    if (!line.empty()) versions += (versions.empty() ? "" : ", ") + line;
  }
  return {"worker", Status::good, versions, ""};
}

std::string_view name_of(Status status) {
  switch (status) {
    case Status::good:
      return "ok";
    case Status::missing:
      return "missing";
    case Status::bad:
      return "bad";
  }
  return "";
}

// Runs all checks; starts mpirun once, with `true` as its program. Takes about a second.
std::vector<Finding> examine_machine(bool trains_models) {
  std::vector<Finding> findings;
  std::optional<Mpirun> mpirun;
  findings.push_back(examine_mpi(mpirun));
  if (mpirun) findings.push_back(examine_start(*mpirun));
  if (trains_models) findings.push_back(examine_worker());
  findings.push_back(examine_cores());
  findings.push_back(examine_memory());
  findings.push_back(examine_shared_memory());
  findings.push_back(examine_ssh());
  const char* const python = std::getenv("PYTHON_EXEC");
  findings.push_back(examine_torch(python == nullptr ? "python3" : python));
  findings.push_back(examine_gpu());
  findings.push_back(examine_nccl());
  return findings;
}

}  // namespace

bool can_train(const std::vector<Finding>& findings) {
  return std::none_of(findings.begin(), findings.end(),
                      [](const Finding& finding) { return finding.status == Status::bad; });
}

std::string print_findings(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& finding : findings) {
    text += fmt::format("{:<8} {:<9} {}\n", name_of(finding.status), finding.what, finding.found);
    if (!finding.advice.empty()) text += fmt::format("{:<18} {}\n", "", finding.advice);
  }
  text += can_train(findings) ? "A run on CPU will work.\n"
                              : "A run on CPU will not work until the bad findings are mended.\n";
  return text;
}

nlohmann::ordered_json findings_to_json(const std::vector<Finding>& findings) {
  auto list = nlohmann::ordered_json::array();
  for (const Finding& finding : findings) {
    list.push_back({{"what", finding.what},
                    {"status", name_of(finding.status)},
                    {"found", finding.found},
                    {"advice", finding.advice}});
  }
  return {{"can_train", can_train(findings)}, {"findings", list}};
}

void add_doctor_command(CLI::App& app, bool trains_models, int& exit_code) {
  const auto json = std::make_shared<bool>(false);
  CLI::App* const command =
      app.add_subcommand("doctor", "Check this machine for everything that a run needs");
  command->add_flag("--json", *json, "Print the findings as JSON");
  command->callback([json, trains_models, &exit_code] {
    const auto findings = examine_machine(trains_models);
    fmt::print("{}", *json ? findings_to_json(findings).dump(2) + "\n" : print_findings(findings));
    exit_code = can_train(findings) ? 0 : 4;
  });
}

}  // namespace ringtrain::launcher
