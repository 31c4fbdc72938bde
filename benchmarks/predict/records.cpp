// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/predict/records.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "base/error.hpp"
#include "base/statistics.hpp"

namespace ringtrain::benchmarks {
namespace {

using Json = nlohmann::json;

constexpr const char* kOurs = "ringtrain";
constexpr const char* kAlone = "no averaging";

// Standard error of the median from the values' spread: 1.2533 that of the mean.
double relative_error(const std::vector<double>& values) {
  if (values.size() < 2) return 0;
  const double center = median(values);
  double squares = 0;
  for (const double value : values) squares += (value - center) * (value - center);
  const auto n = static_cast<double>(values.size());
  return center > 0 ? 1.2533 * std::sqrt(squares / (n - 1) / n) / center : 0;
}

// Steps of one rank: the first tenth, and at least 3, are its warm-up.
void add_factors(const std::vector<double>& steps, std::vector<double>& factors) {
  constexpr size_t kMost = 500, kWarmUp = 3;
  const size_t first = std::max(kWarmUp, steps.size() / 10);
  if (first >= steps.size()) return;
  const double middle = median({steps.begin() + static_cast<ptrdiff_t>(first), steps.end()});
  for (size_t i = first; i < steps.size() && middle > 0 && factors.size() < kMost; ++i) {
    factors.push_back(steps[i] / middle);
  }
}

StepRecord read_table(const Json& table, const std::vector<Json>& rounds) {
  StepRecord record;
  record.model = table.at("model").get<std::string>();
  record.ranks = table.at("ranks").get<int>();
  record.global_batch = table.at("global_batch").get<double>();
  const auto error_of = [&](const std::string& contestant) {
    std::vector<double> rates;
    for (const Json& round : rounds) {
      if (round.at("model") != table.at("model") || round.value("disturbed", "") != "") continue;
      for (const Json& run : round.at("runs")) {
        if (run.at("name") == contestant) rates.push_back(run.at("samples_per_second"));
      }
    }
    return relative_error(rates);
  };
  for (const Json& round : rounds) {
    if (round.at("model") != table.at("model") || round.value("disturbed", "") != "") continue;
    for (const Json& run : round.at("runs")) {
      if (run.at("name") != kAlone || !run.contains("step_microseconds_by_rank")) continue;
      add_factors(run["step_microseconds_by_rank"].at(0).get<std::vector<double>>(),
                  record.step_factors);
    }
  }
  for (const Json& row : table.at("rows")) {
    const auto name = row.at("name").get<std::string>();
    const Measured rate = {row.at("samples_per_second").get<double>(), error_of(name)};
    if (name == kOurs) record.averaged = rate;
    if (name != kAlone) continue;
    record.alone = rate;
    if (row.contains("step")) {
      record.jitter =
          row["step"].at("jitter_ms").get<double>() / row["step"].at("p50_ms").get<double>();
    }
  }
  return record;
}

// Calls `take` with each record of a file of --json. command: the benchmark that writes it.
template <typename Take>
void for_each_record(const std::string& lines, const std::string& name, const char* command,
                     const Take& take) {
  std::istringstream text(lines);
  int number = 0;
  try {
    for (std::string line; std::getline(text, line);) {
      ++number;
      if (!line.empty()) take(Json::parse(line));
    }
  } catch (const Json::exception& error) {
    throw data_error(fmt::format("{}: line {}: not a record of `ringtrain bench {} --json`: {}",
                                 name, number, command, error.what()));
  }
}

}  // namespace

std::vector<StepRecord> read_step_records(const std::string& lines, const std::string& name) {
  std::vector<StepRecord> records;
  std::vector<Json> rounds;
  for_each_record(lines, name, "step", [&](Json json) {
    const std::string kind = json.value("kind", "");
    if (kind == "table") {
      records.push_back(read_table(json, rounds));
      if (records.back().alone.value <= 0) {
        throw data_error(
            fmt::format("{}: {}: no row '{}' with a rate", name, records.back().model, kAlone));
      }
    }
    if (kind == "round") rounds.push_back(std::move(json));
  });
  if (records.empty()) {
    throw data_error(fmt::format("{}: no table of `ringtrain bench step --json` in it", name));
  }
  return records;
}

SumRecord read_sum_record(const std::string& lines, const std::string& name) {
  SumRecord record;
  std::map<double, std::vector<double>> seconds;  // by bytes, of undisturbed rounds
  for_each_record(lines, name, "allreduce", [&](const Json& json) {
    const std::string kind = json.value("kind", "");
    if (kind == "round" && json.value("disturbed", "").empty()) {
      for (const Json& run : json.at("runs")) {
        if (run.at("name") != kOurs) continue;
        seconds[run.at("bytes").get<double>()].push_back(run.at("seconds").get<double>());
      }
    }
    if (kind != "table") return;
    record.ranks = json.at("ranks").get<int>();
    record.between_hosts = json.contains("link_bytes_per_second");
    for (const Json& row : json.at("rows")) {
      if (row.at("name") != kOurs) continue;
      record.sums.push_back(
          {row.at("bytes").get<double>(), row.at("seconds").at("median").get<double>()});
    }
  });
  if (record.ranks < 2 || record.sums.size() < 2) {
    throw data_error(
        fmt::format("{}: needs sums of at least 2 ranks and 2 sizes; it has {} ranks and {} sizes",
                    name, record.ranks, record.sums.size()));
  }
  std::sort(record.sums.begin(), record.sums.end(),
            [](const SumTime& a, const SumTime& b) { return a.bytes < b.bytes; });
  std::vector<double> errors;
  for (const auto& [bytes, all] : seconds) errors.push_back(relative_error(all));
  record.error = median(errors);
  return record;
}

// Sums go to every other host at once, or around a ring of two: (n - 1) bytes of each pass a link,
// after one latency. Minimises the sum of ((latency + bytes / rate) / seconds - 1)^2.
Link fit_link(const SumRecord& record) {
  double xx = 0, xy = 0, yy = 0, x1 = 0, y1 = 0;
  const double n = record.ranks;
  for (const SumTime& sum : record.sums) {
    const double x = 1 / sum.seconds;
    const double y = (n - 1) * sum.bytes / sum.seconds;
    xx += x * x;
    xy += x * y;
    yy += y * y;
    x1 += x;
    y1 += y;
  }
  const double determinant = xx * yy - xy * xy;
  double latency = (x1 * yy - y1 * xy) / determinant;
  double per_byte = (y1 * xx - x1 * xy) / determinant;
  if (latency < 0) {
    latency = 0;
    per_byte = y1 / yy;
  }
  if (per_byte <= 0) {
    per_byte = 0;
    latency = x1 / xx;
  }
  return {.bytes_per_second = per_byte > 0 ? 1 / per_byte : kNoLimit, .latency = latency};
}

}  // namespace ringtrain::benchmarks
