// SPDX-License-Identifier: Apache-2.0
#include "launcher/supervise/host_gatherer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/text.hpp"

namespace ringtrain::launcher {
namespace {

using std::chrono::milliseconds;

constexpr std::chrono::seconds kBetweenHostLooks(3);
constexpr milliseconds kBetweenRounds(1'000);
constexpr milliseconds kBetweenAnswers(20);

std::vector<Host> those_that_answer(const std::vector<Host>& hosts, const HostCheck& check) {
  std::vector<Host> good;
  for (const Host& host : hosts) {
    const auto answer = check.problems().find(host.name);
    if (answer != check.problems().end() && answer->second.empty()) good.push_back(host);
  }
  return good;
}

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

GatheredHosts HostGatherer::gather(std::chrono::seconds patience, std::chrono::seconds timeout) {
  const auto start = clock_.now();
  check_.reset();
  reported_.clear();
  reported_slots_ = false;
  for (;;) {
    look();
    const std::vector<Host> hosts = source_.hosts();
    const auto check = starter_.check(hosts);
    while (!check->done()) {
      if (const int signal = clock_.wait_for_stop(kBetweenAnswers)) return {.stop_signal = signal};
    }
    const std::vector<Host> good = those_that_answer(hosts, *check);
    const int slots = total_slots(good);
    const int wanted = std::max(range_.least(), range_.most(total_slots(hosts)));
    const auto waited = clock_.now() - start;
    if (slots >= wanted) return {.hosts = first_slots(good, wanted)};
    const std::string problems = print_problems(check->problems());
    if (slots >= range_.least() && waited >= patience) {
      observer_.on_message(
          fmt::format("continuing with {}; {}", counted(range_.most(slots), "rank"), problems));
      return {.hosts = first_slots(good, range_.most(slots))};
    }
    if (waited >= timeout) {
      return {.cause = fmt::format(
                  "no hosts for {} in {}: {}", counted(range_.least(), "rank"),
                  print_seconds(static_cast<double>(timeout.count())),
                  problems.empty() ? "found " + counted(total_slots(hosts), "slot") : problems)};
    }
    report(check->problems(), slots, wanted);
    if (const int signal = clock_.wait_for_stop(kBetweenRounds)) return {.stop_signal = signal};
  }
}

void HostGatherer::look() {
  source_.look();
  if (!source_.complaint().empty()) observer_.on_message("warning: " + source_.complaint());
}

// Each problem once, until it changes.
void HostGatherer::report(const std::map<std::string, std::string>& problems, int slots,
                          int wanted) {
  bool all_answer = true;
  for (const auto& [host, problem] : problems) {
    if (!problem.empty() && reported_[host] != problem) {
      observer_.on_message(fmt::format("waiting for {}: {}", host, problem));
    }
    reported_[host] = problem;
    all_answer = all_answer && problem.empty();
  }
  if (all_answer && !std::exchange(reported_slots_, true)) {
    observer_.on_message(
        fmt::format("waiting for hosts: {} of {}", slots, counted(wanted, "slot")));
  }
}

bool HostGatherer::can_grow(const std::vector<Host>& in_use) {
  if (!source_.can_change()) return false;
  if (check_) {
    if (!check_->done()) return false;
    const std::vector<Host> good = those_that_answer(source_.hosts(), *check_);
    check_.reset();
    const int most = range_.most(total_slots(good));
    if (most <= total_slots(in_use)) return false;
    observer_.on_message(
        fmt::format("{} can run now: restarting with them at the next checkpoint or epoch",
                    counted(most, "rank")));
    return true;
  }
  if (clock_.now() < next_look_) return false;
  next_look_ = clock_.now() + kBetweenHostLooks;
  look();
  const std::vector<Host>& hosts = source_.hosts();
  if (range_.most(total_slots(hosts)) > total_slots(in_use)) check_ = starter_.check(hosts);
  return false;
}

}  // namespace ringtrain::launcher
