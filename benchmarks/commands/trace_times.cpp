// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/commands/trace_times.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/file.hpp"

namespace ringtrain::benchmarks {
namespace {

constexpr uint64_t kLargestTrace = uint64_t{4} << 30;

// One span of a rank's training thread, in microseconds.
struct TraceSpan {
  std::string name;
  double begin = 0;
  double end = 0;
};

struct RankTrace {
  std::vector<TraceSpan> spans;
  RankUsage usage;
};

std::string part_of(const std::string& name) {
  for (const char* part : {"data wait", "load", "forward", "backward", "wait", "optimizer"}) {
    if (name == part) return name;
  }
  // A recorded pass has one span for both.
  return name == "forward and backward" ? "backward" : "other";
}

std::vector<RankTrace> read_ranks(const std::filesystem::path& trace) {
  std::vector<RankTrace> ranks;
  try {
    const auto json = nlohmann::json::parse(read_file(trace, kLargestTrace));
    for (const auto& event : json.at("traceEvents")) {
      const bool span = event.at("ph") == "X" && event.at("tid") == 0;
      const bool usage = event.at("ph") == "M" && event.at("name") == "process_usage";
      if (!span && !usage) continue;
      const auto rank = event.at("pid").get<size_t>();
      if (rank >= ranks.size()) ranks.resize(rank + 1);
      if (usage) {
        ranks[rank].usage = usage_of(event.at("args"));
        continue;
      }
      const double begin = event.at("ts").get<double>();
      ranks[rank].spans.push_back(
          {event.at("name").get<std::string>(), begin, begin + event.at("dur").get<double>()});
    }
  } catch (const nlohmann::json::exception& error) {
    throw data_error(fmt::format("{}: not a trace of ringtrain: {}", trace.string(), error.what()));
  }
  return ranks;
}

StepSeconds steps_of(const std::vector<TraceSpan>& spans) {
  StepSeconds steps;
  double ended = 0;
  for (const TraceSpan& span : spans) {
    if (span.name != "step") continue;
    steps.push_back((span.end - (steps.empty() ? span.begin : ended)) * 1e-6);
    ended = span.end;
  }
  return steps;
}

// From the end of the first step to that of the last one.
StepSplit split_of(std::vector<TraceSpan> spans) {
  std::sort(spans.begin(), spans.end(), [](const TraceSpan& a, const TraceSpan& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end > b.end;
  });
  StepSplit split;
  double first = -1;
  double last = 0;
  size_t steps = 0;
  for (const TraceSpan& span : spans) {
    if (span.name != "step") continue;
    if (first < 0) {
      first = span.end;
    } else {
      ++steps;
    }
    last = span.end;
  }
  if (steps == 0) return split;
  std::vector<TraceSpan> around;  // spans that hold the one at hand, the innermost last
  for (const TraceSpan& span : spans) {
    if (span.begin < first || span.end > last) continue;
    const double seconds = (span.end - span.begin) * 1e-6 / static_cast<double>(steps);
    while (!around.empty() && around.back().end <= span.begin) around.pop_back();
    if (!around.empty()) split[part_of(around.back().name)] -= seconds;
    split[part_of(span.name)] += seconds;
    around.push_back(span);
  }
  double sum = 0;
  for (const auto& [part, seconds] : split) sum += seconds;
  split["other"] += (last - first) * 1e-6 / static_cast<double>(steps) - sum;
  return split;
}

}  // namespace

RankUsage usage_of(const nlohmann::json& json) {
  const double system = json.at("system_seconds").get<double>();
  return {.cpu_seconds = json.at("user_seconds").get<double>() + system,
          .system_seconds = system,
          .page_faults = json.at("page_faults").get<int64_t>(),
          .waits = json.at("waits").get<int64_t>(),
          .preemptions = json.at("preemptions").get<int64_t>()};
}

nlohmann::ordered_json to_json(const RankUsage& usage) {
  return {{"cpu_seconds", usage.cpu_seconds},
          {"system_seconds", usage.system_seconds},
          {"page_faults", usage.page_faults},
          {"waits", usage.waits},
          {"preemptions", usage.preemptions}};
}

TraceTimes read_trace(const std::filesystem::path& trace) {
  TraceTimes times;
  for (RankTrace& rank : read_ranks(trace)) {
    times.steps.push_back(steps_of(rank.spans));
    times.usage.push_back(rank.usage);
    if (times.steps.size() == 1) times.split = split_of(std::move(rank.spans));
  }
  return times;
}

}  // namespace ringtrain::benchmarks
