// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "base/file.hpp"
#include "base/time.hpp"
#include "job/document.hpp"
#include "server/api/job_routes.hpp"
#include "server/problem.hpp"

namespace ringtrain::server {
namespace {

using nlohmann::ordered_json;

net::Answer series(Jobs& jobs, const Call& call) {
  const SeriesByName all = jobs.series(call.path.at("name"));
  const std::set<std::string> wanted = words_in(call.text("names"));
  const auto points = static_cast<size_t>(call.number("points", 500, 1, Series::kMaxBuckets));
  ordered_json json = ordered_json::object();
  for (const auto& [name, one] : all) {
    if (wanted.empty() || wanted.contains(name)) json[name] = one.to_json(points);
  }
  return json_answer({{"series", json}});
}

net::Answer ranks(Jobs& jobs, const Call& call) {
  const tracking::JobFigures figures = jobs.progress(call.path.at("name")).figures;
  ordered_json list = ordered_json::array();
  for (const RankPlacement& one : figures.placement) {
    list.push_back({{"rank", one.rank}, {"host", one.host}, {"device", one.device}});
  }
  ordered_json slowest = nullptr;
  if (const auto& slow = figures.slowest) {
    slowest = {{"rank", slow->rank},
               {"host", slow->host},
               {"seconds", slow->seconds},
               {"median_of_others", slow->median}};
  }
  return json_answer(
      {{"communication", figures.communication}, {"ranks", list}, {"slowest", slowest}});
}

// The history of a job, in order, from what was asked of it and how its runs ended.
net::Answer timeline(Jobs& jobs, const Call& call) {
  const JobFolder folder = jobs.folder(call.path.at("name"));
  std::vector<std::pair<std::string, ordered_json>> found;
  const auto add = [&](const std::string& time, ordered_json entry) {
    found.emplace_back(time, std::move(entry));
  };
  for (const Intent& intent : folder.read_intents()) {
    const char* const what = intent.desired == Desired::run    ? "asked to run"
                             : intent.desired == Desired::stop ? "asked to stop"
                                                               : "asked to go";
    add(intent.time, {{"what", what}, {"by", intent.by}});
  }
  const int last = folder.last_attempt();
  for (int n = std::max(1, last - 99); n <= last; ++n) {
    if (const auto outcome = read_outcome(folder.attempt(n) / "outcome.json")) {
      add(print_time_ms(outcome->started), {{"what", "attempt starts"}, {"attempt", n}});
      const auto status = static_cast<int>(outcome->status);
      constexpr std::array<const char*, 5> kEnds = {"finished", "stopped", "failed",
                                                    "lost its ranks", "was killed"};
      add(print_time_ms(outcome->ended),
          {{"what", fmt::format("attempt {}", kEnds[static_cast<size_t>(status)])},
           {"attempt", n},
           {"why", outcome->cause}});
    }
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& one, const auto& two) { return one.first < two.first; });
  ordered_json list = ordered_json::array();
  for (auto& [time, entry] : found) {
    ordered_json line = {{"time", time}};
    line.update(entry);
    list.push_back(std::move(line));
  }
  return json_answer({{"timeline", list}});
}

net::Answer spec(Jobs& jobs, const Call& call) {
  const JobFolder folder = jobs.folder(call.path.at("name"));
  const auto record = folder.read_record();
  if (!record) {
    throw Problem(404, "this job was not sent to the server: its job file is not known here");
  }
  return json_answer({{"as_sent", read_file(folder.job_file(), kMaxJobFileBytes + 1)},
                      {"understood", ordered_json::parse(record->understood)},
                      {"ranks", record->ranks},
                      {"overrides", record->overrides},
                      {"warnings", record->warnings}});
}

Route look(Jobs& jobs, const char* path, const char* operation, const char* summary,
           const char* answer, net::Answer (*work)(Jobs&, const Call&)) {
  return {.method = "GET",
          .path = std::string("/api/v1/jobs/{name}/") + path,
          .operation = operation,
          .summary = summary,
          .answer = answer,
          .run = [&jobs, work](const Call& call) { return work(jobs, call); }};
}

}  // namespace

void add_view_routes(Routes& routes, Jobs& jobs) {
  Route charts = look(jobs, "series", "getSeries", "Figures over the steps, for charts",
                      "series: step, time, min, max, mean, last of each", series);
  charts.query = {{"names", "string", "Series, separated by commas; all"},
                  {"points", "integer", "At most so many of each; 500"}};
  routes.push_back(std::move(charts));
  routes.push_back(look(jobs, "ranks", "getRanks",
                        "Show the ranks' hosts and devices, and the slowest", "ranks, slowest",
                        ranks));
  routes.push_back(
      look(jobs, "timeline", "getTimeline", "Show what happened to a job", "timeline", timeline));
  routes.push_back(look(jobs, "spec", "getSpec", "Show the job file as sent and as understood",
                        "as_sent, understood, overrides, warnings", spec));
}

}  // namespace ringtrain::server
