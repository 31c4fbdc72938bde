// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/commands/compared_runs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "base/error.hpp"
#include "benchmarks/commands/significance.hpp"
#include "benchmarks/commands/training_run.hpp"

namespace ringtrain::benchmarks {
namespace {

using Json = nlohmann::json;

std::string machine_of(const Json& provenance) {
  std::string machine;
  for (const char* key : {"processor", "cores"}) {
    const std::string value = provenance.at(key).at("value").get<std::string>();
    if (value == "unknown") return "";
    machine += (machine.empty() ? "" : ", ") + value;
  }
  return machine;
}

void add_round(const Json& round, StepRun& run) {
  double anchor = 0;
  for (const Json& row : round.at("runs")) {
    if (row.at("name") == kAlone) anchor = row.at("samples_per_second").get<double>();
  }
  const auto model = round.at("model").get<std::string>();
  for (const Json& row : round.at("runs")) {
    const auto name = row.at("name").get<std::string>();
    auto found = std::find_if(run.series.begin(), run.series.end(), [&](const RateSeries& series) {
      return series.model == model && series.name == name;
    });
    if (found == run.series.end()) {
      found = run.series.insert(found, RateSeries{model, name, 0, {}, {}});
    }
    found->rates.push_back(row.at("samples_per_second").get<double>());
    found->anchors.push_back(anchor);
  }
}

std::vector<double> values_of(const RateSeries& series, bool normalised) {
  std::vector<double> values = series.rates;
  if (normalised && std::count(series.anchors.begin(), series.anchors.end(), 0.0) > 0) {
    throw job_error(fmt::format("--normalise: {} has rounds without '{}'", series.model, kAlone));
  }
  for (size_t i = 0; normalised && i < values.size(); ++i) values[i] /= series.anchors[i];
  return values;
}

ComparedRow compared(const RateSeries& before, const RateSeries& after, bool normalised) {
  const std::vector<double> old = values_of(before, normalised);
  const std::vector<double> now = values_of(after, normalised);
  const Interval of_old = median_interval(old), of_now = median_interval(now);
  return {before, after, median(now) / median(old),
          Interval{of_now.low / of_old.high, of_now.high / of_old.low,
                   std::min(of_old.coverage, of_now.coverage)},
          mann_whitney_p(old, now)};
}

}  // namespace

StepRun read_step_run(const std::string& lines, const std::string& name) {
  StepRun run;
  std::vector<Json> rounds;
  std::istringstream text(lines);
  int number = 0;
  try {
    for (std::string line; std::getline(text, line);) {
      ++number;
      if (line.empty()) continue;
      Json record = Json::parse(line);
      const std::string kind = record.value("kind", "");
      if (kind == "provenance") run.machine = machine_of(record);
      if (kind == "round") rounds.push_back(std::move(record));
      if (kind != "table") continue;
      // A table ends its model's rounds.
      const bool any = std::any_of(rounds.begin(), rounds.end(), [](const Json& round) {
        return round.value("disturbed", "").empty();
      });
      const size_t before = run.series.size();
      for (const Json& round : rounds) {
        if (!any || round.value("disturbed", "").empty()) add_round(round, run);
      }
      for (size_t i = before; i < run.series.size(); ++i) {
        run.series[i].ranks = record.at("ranks").get<int>();
      }
      rounds.clear();
    }
  } catch (const Json::exception& error) {
    throw data_error(fmt::format("{}: line {}: not a record of `ringtrain bench step --json`: {}",
                                 name, number, error.what()));
  }
  if (run.series.empty()) {
    throw data_error(fmt::format("{}: no rounds of `ringtrain bench step --json` in it", name));
  }
  return run;
}

std::vector<ComparedRow> compare(const StepRun& before, const StepRun& after, bool normalised) {
  if (!normalised && before.machine != after.machine) {
    throw job_error(fmt::format(
        "measured on different machines ('{}' and '{}'): --normalise compares each with the same "
        "round without averaging",
        before.machine.empty() ? "unknown" : before.machine,
        after.machine.empty() ? "unknown" : after.machine));
  }
  std::vector<ComparedRow> rows;
  for (const RateSeries& own : before.series) {
    if (normalised && own.name == kAlone) continue;
    for (const RateSeries& other : after.series) {
      if (own.model != other.model || own.name != other.name || own.ranks != other.ranks) continue;
      rows.push_back(compared(own, other, normalised));
    }
  }
  if (rows.empty()) {
    throw job_error("the runs have no model, contestant and number of ranks in common");
  }
  std::vector<double> p;
  for (const ComparedRow& row : rows) p.push_back(row.p);
  const std::vector<double> adjusted = holm(p);
  for (size_t i = 0; i < rows.size(); ++i) rows[i].p = adjusted[i];
  return rows;
}

std::string print_change(const ComparedRow& row) {
  const size_t n = std::min(row.before.rates.size(), row.after.rates.size());
  const std::string test = fmt::format("(p={:.3f} n={})", row.p, n);
  return row.p < 0.05 ? fmt::format("{:+.1f}% {}", 100 * (row.ratio - 1), test) : "~ " + test;
}

bool is_slower(const ComparedRow& row, double share) {
  return row.p < 0.05 && row.interval.high < 1 - share;
}

}  // namespace ringtrain::benchmarks
