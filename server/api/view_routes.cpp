// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "base/file.hpp"
#include "base/statistics.hpp"
#include "base/text.hpp"
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

// A rank's host is its pod's name, with or without the domain. Null outside of a cluster.
ordered_json node_of(const std::string& host, const std::vector<ClusterPod>& pods) {
  for (const ClusterPod& pod : pods) {
    if (pod.name == host.substr(0, host.find('.')) && !pod.node.empty()) return pod.node;
  }
  return nullptr;
}

ordered_json pods_to_json(const std::vector<ClusterPod>& pods) {
  ordered_json list = ordered_json::array();
  for (const ClusterPod& pod : pods) {
    list.push_back({{"pod", pod.name},
                    {"role", pod.role},
                    {"node", pod.node},
                    {"state", pod.state},
                    {"restarts", pod.restarts},
                    {"why", pod.why}});
  }
  return list;
}

net::Answer ranks(Jobs& jobs, const Call& call) {
  const Progress progress = jobs.progress(call.path.at("name"));
  const tracking::JobFigures& figures = progress.figures;
  ordered_json list = ordered_json::array();
  const std::vector<double>& seconds = figures.step_seconds;
  const double middle = seconds.empty() ? 0 : median(seconds);
  const std::vector<ClusterPod> pods = jobs.pods(call.path.at("name"));
  for (const RankPlacement& one : figures.placement) {
    ordered_json rank = {{"rank", one.rank}, {"host", one.host}, {"device", one.device}};
    rank["node"] = node_of(one.host, pods);
    const auto number = static_cast<size_t>(one.rank);
    const bool is_known = number < seconds.size();
    rank["step_seconds"] = is_known ? ordered_json(seconds[number]) : nullptr;
    rank["times_median"] =
        is_known && middle > 0 ? ordered_json(seconds[number] / middle) : nullptr;
    list.push_back(std::move(rank));
  }
  ordered_json slowest = nullptr;
  if (const auto& slow = figures.slowest) {
    slowest = {{"rank", slow->rank},
               {"host", slow->host},
               {"seconds", slow->seconds},
               {"median_of_others", slow->median}};
  }
  const auto share = [](const std::optional<double>& value) {
    return value ? ordered_json(*value) : ordered_json(nullptr);
  };
  return json_answer({{"communication", figures.communication},
                      {"ranks", list},
                      {"pods", pods_to_json(pods)},
                      {"slowest", slowest},
                      {"communication_share", share(progress.communication_share)},
                      {"data_share", share(progress.data_share)},
                      {"seen", progress.ranks_seen.empty() ? ordered_json(nullptr)
                                                           : ordered_json(progress.ranks_seen)}});
}

const char* asked(Desired desired) {
  switch (desired) {
    case Desired::run:
      return "asked to run";
    case Desired::stop:
      return "asked to stop";
    case Desired::finish:
      return "asked to finish";
    case Desired::remove:
      return "asked to go";
  }
  return "";
}

// The history of a job, in order, from what was asked of it and how its runs ended.
net::Answer timeline(Jobs& jobs, const Call& call) {
  const JobFolder folder = jobs.folder(call.path.at("name"));
  std::vector<std::pair<std::string, ordered_json>> found;
  const auto add = [&](const std::string& time, ordered_json entry) {
    found.emplace_back(time, std::move(entry));
  };
  for (const Intent& intent : folder.read_intents()) {
    std::string what = asked(intent.desired);
    if (intent.is_scale) what = fmt::format("asked for {}", counted(intent.ranks, "rank"));
    if (intent.is_order) what = fmt::format("got priority {}", intent.priority);
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
  routes.push_back(look(
      jobs, "ranks", "getRanks", "Show the ranks' hosts, devices and times of a step",
      "communication, ranks, pods of a cluster, slowest, communication_share, data_share, seen",
      ranks));
  routes.push_back(
      look(jobs, "timeline", "getTimeline", "Show what happened to a job", "timeline", timeline));
  routes.push_back(look(jobs, "spec", "getSpec", "Show the job file as sent and as understood",
                        "as_sent, understood, overrides, warnings", spec));
}

}  // namespace ringtrain::server
