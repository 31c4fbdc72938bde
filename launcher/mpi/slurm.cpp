// SPDX-License-Identifier: Apache-2.0
#include "launcher/mpi/slurm.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <string_view>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/whole_number.hpp"
#include "launcher/process/process.hpp"

namespace ringtrain::launcher {
namespace {

constexpr size_t kMostNodes = 65536;

Error wrong(std::string_view variable, std::string_view text, std::string_view problem) {
  return job_error(fmt::format("{}={}: {}: give the hosts by --hostfile", variable,
                               text.substr(0, 80), problem));
}

Error wrong_nodelist(std::string_view text, std::string_view problem) {
  return wrong("SLURM_JOB_NODELIST", text, problem);
}

// Splits at commas outside of brackets.
std::vector<std::string_view> entries_of(std::string_view text) {
  std::vector<std::string_view> entries;
  size_t start = 0;
  int depth = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] == '[') ++depth;
    if (i < text.size() && text[i] == ']') --depth;
    if (i == text.size() || (text[i] == ',' && depth == 0)) {
      entries.push_back(text.substr(start, i - start));
      start = i + 1;
    }
  }
  return entries;
}

// Returns "01", "02", "03" for "01-03": numbers are as wide as the first one.
std::vector<std::string> numbers_of(std::string_view range, std::string_view whole) {
  const auto dash = range.find('-');
  const auto first_text = range.substr(0, dash);
  const auto last_text = dash == std::string_view::npos ? first_text : range.substr(dash + 1);
  const auto first = whole_number(first_text);
  const auto last = whole_number(last_text);
  if (!first || !last || *last < *first) {
    throw wrong_nodelist(whole, fmt::format("'{}' is no range of numbers", range));
  }
  if (static_cast<size_t>(*last - *first) >= kMostNodes) {
    throw wrong_nodelist(whole, "too many nodes");
  }
  std::vector<std::string> numbers;
  for (int number = *first; number <= *last; ++number) {
    numbers.push_back(fmt::format("{:0{}}", number, first_text.size()));
  }
  return numbers;
}

// Expands the first brackets of an entry, and by recursion what is behind them.
void expand(const std::string& before, std::string_view entry, std::string_view whole,
            std::vector<std::string>& nodes) {
  const auto open = entry.find('[');
  if (open == std::string_view::npos) {
    if (nodes.size() >= kMostNodes) throw wrong_nodelist(whole, "too many nodes");
    nodes.push_back(before + std::string(entry));
    return;
  }
  const auto close = entry.find(']', open);
  if (close == std::string_view::npos) throw wrong_nodelist(whole, "a '[' without its ']'");
  const std::string start = before + std::string(entry.substr(0, open));
  for (const auto range : entries_of(entry.substr(open + 1, close - open - 1))) {
    for (const std::string& number : numbers_of(range, whole)) {
      expand(start + number, entry.substr(close + 1), whole, nodes);
    }
  }
}

std::string variable(const char* name) {
  const char* const text = std::getenv(name);
  return text == nullptr ? "" : text;
}

}  // namespace

std::vector<std::string> parse_nodelist(const std::string& text) {
  std::vector<std::string> nodes;
  for (const std::string_view entry : entries_of(text)) {
    if (entry.empty()) throw wrong_nodelist(text, "a node without a name");
    expand("", entry, text, nodes);
  }
  return nodes;
}

std::vector<int> parse_tasks_per_node(const std::string& text, size_t nodes) {
  const auto refuse = [&](std::string_view problem) {
    return wrong("SLURM_TASKS_PER_NODE", text, problem);
  };
  std::vector<int> counts;
  for (std::string_view entry : entries_of(text)) {
    int times = 1;
    if (const auto open = entry.find("(x"); open != std::string_view::npos) {
      if (!entry.ends_with(')')) throw refuse("must be as in 4(x2),1");
      times = whole_number(entry.substr(open + 2, entry.size() - open - 3)).value_or(0);
      entry = entry.substr(0, open);
    }
    const int count = whole_number(entry).value_or(0);
    if (count < 1 || times < 1) throw refuse("must be as in 4(x2),1");
    if (counts.size() + static_cast<size_t>(times) > nodes) break;
    counts.insert(counts.end(), static_cast<size_t>(times), count);
  }
  if (counts.size() != nodes) {
    throw refuse(fmt::format("is not for the {} of SLURM_JOB_NODELIST", counted(nodes, "node")));
  }
  return counts;
}

std::string slurm_job() { return variable("SLURM_JOB_ID"); }

std::vector<Host> slurm_hosts() {
  const std::string nodelist = variable("SLURM_JOB_NODELIST");
  if (slurm_job().empty() || nodelist.empty()) return {};
  const std::vector<std::string> nodes = parse_nodelist(nodelist);
  const std::string tasks = variable("SLURM_TASKS_PER_NODE");
  const std::vector<int> counts =
      tasks.empty() ? std::vector<int>(nodes.size(), 1) : parse_tasks_per_node(tasks, nodes.size());
  std::string hostfile;
  for (size_t i = 0; i < nodes.size(); ++i) {
    hostfile += fmt::format("{} slots={}\n", nodes[i], counts[i]);
  }
  return parse_hostfile(hostfile, "SLURM_JOB_NODELIST");
}

int slurm_cpus_per_task() {
  return slurm_job().empty() ? 0 : whole_number(variable("SLURM_CPUS_PER_TASK")).value_or(0);
}

int slurm_restarts() {
  return slurm_job().empty() ? 0 : whole_number(variable("SLURM_RESTART_COUNT")).value_or(0);
}

void require_tasks(int ranks) {
  if (const int tasks = total_slots(slurm_hosts()); ranks > tasks) {
    throw job_error(
        fmt::format("-n {}: Slurm job {} has {}: ask for fewer ranks, or sbatch for more --ntasks",
                    ranks, slurm_job(), counted(tasks, "task")));
  }
}

std::string requeue_slurm_job() {
  const auto refused = [](const std::string& why) {
    return fmt::format("Slurm job {} could not be queued again: {}", slurm_job(), why);
  };
  if (find_program("scontrol").empty()) return refused("there is no scontrol in PATH");
  const Captured run = capture({"scontrol", "requeue", slurm_job()}, std::chrono::seconds(30));
  if (run.timed_out) return refused("scontrol takes longer than 30 s");
  return run.status.success() ? "" : refused(first_line(run.standard_error));
}

}  // namespace ringtrain::launcher
