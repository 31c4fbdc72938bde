// SPDX-License-Identifier: Apache-2.0
#include "launcher/supervise/host_gatherer.hpp"
#include "base/text.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <cstdlib>
#include <map>

namespace ringtrain::launcher {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::chrono::seconds between_looks(3);
constexpr milliseconds between_rounds(1'000);

std::vector<std::string> names_of(const std::vector<Host>& hosts) {
  std::vector<std::string> names;
  for (const Host& host : hosts) names.push_back(host.name);
  return names;
}

std::vector<Host> those_that_answer(const std::vector<Host>& hosts, const HostCheck& check) {
  std::vector<Host> good;
  for (const Host& host : hosts) {
    const auto answer = check.problems().find(host.name);
    if (answer != check.problems().end() && answer->second.empty()) good.push_back(host);
  }
  return good;
}

// Another way than ssh to reach hosts (kubectl exec) can't be asked.
bool reached_by_ssh() { return std::getenv("OMPI_MCA_plm_rsh_agent") == nullptr; }

// "node2: no sshd listens there; node3: ..."
std::string print_problems(const std::map<std::string, std::string>& problems) {
  std::string text;
  for (const auto& [host, problem] : problems) {
    if (!problem.empty()) text += (text.empty() ? "" : "; ") + host + ": " + problem;
  }
  return text;
}

}  // namespace

int RankRange::most(int slots) const {
  if (workers.max == 0) return std::min(slots, std::max(started, workers.min));
  return std::min(slots, workers.max);
}

int wait_for_signal(StopSignals& stop, milliseconds time) {
  const auto end = Clock::now() + time;
  for (;;) {
    if (const int signal = stop.take()) return signal;
    const auto left = std::chrono::duration_cast<milliseconds>(end - Clock::now()).count();
    if (left <= 0) return 0;
    pollfd event{stop.descriptor(), POLLIN, 0};
    ::poll(&event, 1, static_cast<int>(left) + 1);
  }
}

Gathered gather_hosts(HostSource& source, const RankRange& range, std::chrono::seconds patience,
                      std::chrono::seconds timeout, Progress& progress, StopSignals& stop) {
  const auto start = Clock::now();
  std::map<std::string, std::string> told;
  for (;;) {
    const std::vector<Host> hosts = source.look();
    if (!source.complaint().empty()) progress.line("warning: " + source.complaint());
    HostCheck check(reached_by_ssh() ? names_of(hosts) : std::vector<std::string>());
    while (!check.done()) {
      if (const int signal = wait_for_signal(stop, milliseconds(20))) return {{}, "", signal};
    }
    const std::vector<Host> good = reached_by_ssh() ? those_that_answer(hosts, check) : hosts;
    const int slots = total_slots(good);
    const int wanted = std::max(range.least(), range.most(total_slots(hosts)));
    const auto waited = Clock::now() - start;
    if (slots >= wanted) return {first_slots(good, wanted), "", 0};
    const std::string problems = print_problems(check.problems());
    if (slots >= range.least() && waited >= patience) {
      progress.line(fmt::format("going on with {} ranks; {}", range.most(slots), problems));
      return {first_slots(good, range.most(slots)), "", 0};
    }
    if (waited >= timeout) {
      const std::string why =
          !problems.empty() ? problems : fmt::format("there are {} slots", total_slots(hosts));
      return {{},
              fmt::format("no hosts for {} ranks in {}: {}", range.least(),
                          print_seconds(static_cast<double>(timeout.count())), why),
              0};
    }
    for (const auto& [host, problem] : check.problems()) {
      if (!problem.empty() && told[host] != problem) {
        progress.line(fmt::format("waiting for {}: {}", host, problem));
      }
      told[host] = problem;
    }
    if (problems.empty() && told[""].empty()) {
      told[""] = "told";
      progress.line(fmt::format("waiting for hosts: {} slots of {}", slots, wanted));
    }
    if (const int signal = wait_for_signal(stop, between_rounds)) return {{}, "", signal};
  }
}

bool Growth::is_possible() {
  if (!source_.can_change()) return false;
  if (check_) {
    if (!check_->done()) return false;
    const std::vector<Host> good = those_that_answer(source_.hosts(), *check_);
    check_.reset();
    const int most = range_.most(total_slots(good));
    if (most <= total_slots(in_use_)) return false;
    progress_.line(fmt::format(
        "{} ranks can run now: going over to them at the next checkpoint or epoch", most));
    return true;
  }
  if (Clock::now() < next_look_) return false;
  next_look_ = Clock::now() + between_looks;
  const std::vector<Host>& hosts = source_.look();
  if (!source_.complaint().empty()) progress_.line("warning: " + source_.complaint());
  if (range_.most(total_slots(hosts)) > total_slots(in_use_)) {
    check_ = std::make_unique<HostCheck>(names_of(hosts));
  }
  return false;
}

}  // namespace ringtrain::launcher
