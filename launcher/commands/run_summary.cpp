// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/run_summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <vector>

#include "base/text.hpp"
#include "job/event_lines.hpp"
#include "job/slow_rank.hpp"
#include "launcher/process/process.hpp"
#include "storage/download_cache.hpp"

namespace ringtrain::launcher {
namespace {

namespace fs = std::filesystem;

std::string find_this_program() {
  std::error_code error;
  const fs::path own = fs::read_symlink("/proc/self/exe", error);
  const std::string named = find_program("ringtrain");
  if (!named.empty() && fs::equivalent(named, own, error)) return "ringtrain";
  const fs::path from_here = own.lexically_relative(fs::current_path(error));
  if (from_here.empty() || *from_here.begin() == "..") return own.string();
  return (from_here.has_parent_path() ? from_here : "." / from_here).string();
}

// The Python of `scripts/setup --peers`.
std::string python_of_setup() { return (storage::cache_directory() / "peers/bin/python").string(); }

bool has_torch(const std::string& python) {
  const std::string path = find_program(python);
  if (path.empty()) return false;
  const Captured asked = capture(
      {path, "-c", "import importlib.util as u, sys; sys.exit(u.find_spec('torch') is None)"},
      std::chrono::seconds(5));
  return asked.status.success() && !asked.timed_out;
}

fs::path script_of(const Result& result) {
  return fs::path(result.model).parent_path() / "model.pt";
}

// Returns `import torch; ...` as one argument of a shell.
std::string load_model(const std::string& path) {
  std::string quoted;
  for (const char c : path)
    quoted += c == '"' || c == '\\' ? fmt::format("\\{}", c) : fmt::format("{}", c);
  return shell_quoted(fmt::format("import torch; print(torch.jit.load(\"{}\"))", quoted));
}

// Returns the command of this run again, for twice as long.
std::string longer_run(const std::string& program, const RunOptions& options, const JobSpec& job,
                       const Result& result) {
  std::string text =
      fmt::format("{} run {}", shell_quoted(program), shell_quoted(options.job_file));
  const auto add = [&](const char* option, const std::string& value) {
    if (!value.empty()) text += fmt::format(" {} {}", option, shell_quoted(value));
  };
  add("-n", options.ranks > 0 ? std::to_string(options.ranks) : "");
  add("--hostfile", options.hostfile);
  add("--discover", options.discover);
  add("--run-dir", options.run_dir);
  for (const std::string& key_value : options.overrides) {
    if (!key_value.starts_with("epochs=") && !key_value.starts_with("max_steps=")) {
      add("--set", key_value);
    }
  }
  // An output that was complete before may have been trained for longer than this job says.
  add("--set", fmt::format("epochs={}", 2 * std::max(job.epochs, result.epochs)));
  if (job.max_steps) {
    add("--set", fmt::format("max_steps={}", 2 * std::max(*job.max_steps, result.steps)));
  }
  return text;
}

}  // namespace

NextPrograms find_next_programs(const Result& result) {
  NextPrograms found{.ringtrain = find_this_program(), .python = ""};
  std::error_code error;
  if (!fs::exists(script_of(result), error)) return found;  // rank 0 was on another host
  for (const std::string& python :
       {std::string("python3"), std::string("python"), python_of_setup()}) {
    if (!has_torch(python)) continue;
    found.python = python;
    break;
  }
  return found;
}

std::string run_summary(const Result& result, const RunOptions& options, const JobSpec& job,
                        const NextPrograms& programs) {
  std::string text = fmt::format("{}: ", result.name);
  const std::string metrics = metrics_text(result.test_accuracy, result.test_rmse, result.test_mae);
  if (!metrics.empty()) text += metrics + ", ";
  text += fmt::format("train loss {:.4f}; {} on {} in {}, {} samples/s\n", result.train_loss,
                      counted(result.steps, "step"), counted(result.ranks, "rank"),
                      print_seconds(result.seconds.total), print_count(result.samples_per_second));
  if (const auto& lost = result.recovery) {
    text +=
        fmt::format("  lost   {} in {}, {} redone\n", print_seconds(lost->seconds_lost),
                    counted(lost->restarts, "restart"), counted(lost->samples_replayed, "sample"));
  }
  if (const auto& slow = result.slowest; slow && slow->seconds > kSlowRank * slow->median) {
    text += fmt::format("  slow   rank {} on {}: {:.2f} times the others' time a step\n",
                        slow->rank, slow->host, slow->seconds / slow->median);
  }
  const std::string script = script_of(result).string();
  text += fmt::format("  model  {} and {}\n  next   ", result.model, script);
  if (!programs.python.empty()) {
    text += fmt::format("{} -c {}\n         ", shell_quoted(programs.python), load_model(script));
  }
  return text + longer_run(programs.ringtrain, options, job, result) + "   # for longer\n";
}

}  // namespace ringtrain::launcher
