// SPDX-License-Identifier: Apache-2.0
#include "server/client/watch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <sstream>
#include <thread>
#include <vector>

#include "base/deadline.hpp"
#include "base/time.hpp"
#include "mpijob/status/print_status.hpp"
#include "server/client/job_text.hpp"

namespace ringtrain::server {
namespace {

using nlohmann::ordered_json;

constexpr std::chrono::milliseconds kPause(500);
constexpr std::chrono::seconds kBetweenLines(5);
constexpr size_t kLongestWhy = 100;

std::string age_of(const ordered_json& job) {
  const auto created = parse_time(job.value("created", ""));
  if (!created) return "-";
  return print_age(std::chrono::duration_cast<std::chrono::seconds>(
      std::chrono::system_clock::now() - *created));
}

std::vector<ordered_json> all_jobs(RemoteServer& server) {
  std::vector<ordered_json> jobs;
  std::string after;
  for (;;) {
    const std::string next = after.empty() ? "" : "&after=" + as_path_part(after);
    const ordered_json page = server.ask({.path = "/api/v1/jobs?limit=500" + next});
    for (const ordered_json& job : page.value("jobs", ordered_json::array())) jobs.push_back(job);
    const auto cursor = page.find("next");
    if (cursor == page.end() || !cursor->is_string()) return jobs;
    after = cursor->get<std::string>();
  }
}

void put(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

[[noreturn]] void is_gone(const std::string& name) {
  throw training_error(fmt::format("{} was deleted", name));
}

// Asks for what was there a moment ago.
ordered_json ask_again(RemoteServer& server, const std::string& name, const std::string& path) {
  try {
    return server.ask_patiently({.path = path});
  } catch (const RefusedByServer& refusal) {
    if (refusal.status() == 404) is_gone(name);
    throw;
  }
}

void print_piece(const RemoteLog& wish, int attempt, const std::string& text) {
  if (!wish.as_json) return put(text);
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    put(ordered_json{{"attempt", attempt}, {"line", line}}.dump() + "\n");
  }
}

// Returns the last lines of a text.
std::string last_lines(const std::string& text, int lines) {
  size_t start = text.size();
  for (int n = 0; n < lines && start > 0; ++n) {
    const size_t newline = start > 1 ? text.rfind('\n', start - 2) : std::string::npos;
    start = newline == std::string::npos ? 0 : newline + 1;
  }
  return text.substr(start);
}

}  // namespace

void print_remote_jobs(RemoteServer& server, bool as_json) {
  const std::vector<ordered_json> jobs = all_jobs(server);
  if (as_json) return put(ordered_json(jobs).dump(2) + "\n");
  if (jobs.empty()) return put(fmt::format("no jobs on {}\n", server.url()));
  std::vector<std::vector<std::string>> rows = {
      {"NAME", "STATE", "PROGRESS", "RANKS", "AGE", "WHY"}};
  for (const ordered_json& job : jobs) {
    std::string why = job.value("why", "");
    if (why.size() > kLongestWhy) why = why.substr(0, kLongestWhy) + "...";
    rows.push_back({job.value("name", ""), job.value("state", ""), progress_column(job),
                    std::to_string(job.value("ranks", 0)), age_of(job), why});
  }
  put(mpijob::print_table(rows));
}

std::optional<ordered_json> watch_until_end(RemoteServer& server, const std::string& name,
                                            bool quiet, std::optional<std::chrono::seconds> limit) {
  const Deadline deadline(limit.value_or(std::chrono::hours(24 * 365)));
  Deadline next_line{std::chrono::seconds(0)};
  std::string shown;
  ordered_json job = server.ask({.path = job_path(name)});
  for (;; job = ask_again(server, name, job_path(name))) {
    const std::string current = job.value("state", "") + job.value("why", "");
    const bool is_due = job.value("state", "") == "Running" && next_line.passed();
    if (!quiet && (current != shown || is_due)) {
      put(job_line(job) + "\n");
      shown = current;
      next_line = Deadline(kBetweenLines);
    }
    if (has_ended(job)) return job;
    if (deadline.passed()) return std::nullopt;
    std::this_thread::sleep_for(std::min(kPause, deadline.left()));
  }
}

int print_remote_status(RemoteServer& server, const std::string& name, bool watch, bool as_json) {
  const ordered_json job =
      watch ? watch_until_end(server, name, as_json).value() : server.ask({.path = job_path(name)});
  if (as_json) {
    put(job.dump(2) + "\n");
  } else if (!watch) {
    put(job_line(job) + "\n");
    std::vector<std::vector<std::string>> rows = {{"  RANK", "HOST", "DEVICE"}};
    const ordered_json ranks = server.ask({.path = job_path(name, "/ranks")});
    for (const ordered_json& one : ranks.value("ranks", ordered_json::array())) {
      rows.push_back({fmt::format("  {}", one.value("rank", 0)), one.value("host", ""),
                      one.value("device", "")});
    }
    if (rows.size() > 1) put("\n" + mpijob::print_table(rows));
  }
  return watch ? exit_code_of_job(job) : 0;
}

int print_remote_log(RemoteServer& server, const RemoteLog& wish) {
  ordered_json job = server.ask({.path = job_path(wish.name)});
  int attempt = job.value("attempts", 0);
  int64_t offset = 0;
  if (wish.tail) {
    const ordered_json end =
        ask_again(server, wish.name,
                  job_path(wish.name, fmt::format("/logs?tail=1048576&attempt={}", attempt)));
    print_piece(wish, attempt, last_lines(end.value("text", ""), *wish.tail));
    offset = end.value("next", int64_t{0});
  }
  for (;;) {
    // The state before the log: what a job that has ended has written is there.
    job = ask_again(server, wish.name, job_path(wish.name));
    const ordered_json piece =
        ask_again(server, wish.name,
                  job_path(wish.name,
                           fmt::format("/logs?limit=1000000&attempt={}&from={}", attempt, offset)));
    const int64_t next = piece.value("next", int64_t{0});
    if (next > offset) {
      print_piece(wish, attempt, piece.value("text", ""));
      offset = next;
    } else if (attempt < job.value("attempts", 0)) {
      ++attempt;
      offset = 0;
    } else if (!wish.follow) {
      return 0;
    } else if (has_ended(job)) {
      return exit_code_of_job(job);
    } else {
      std::this_thread::sleep_for(kPause);
    }
  }
}

}  // namespace ringtrain::server
