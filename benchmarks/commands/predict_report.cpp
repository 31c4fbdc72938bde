// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/commands/predict_report.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <set>

#include "base/error.hpp"
#include "base/text.hpp"

namespace ringtrain::benchmarks {
namespace {

constexpr double kSecondsPerHour = 3600;

double hours(const PredictRow& row, const PredictOptions& options) {
  return options.samples / row.prediction.samples_per_second / kSecondsPerHour;
}

double cost_per_million(const PredictRow& row, const PredictOptions& options) {
  const Prediction& found = row.prediction;
  return options.price * found.ranks / found.samples_per_second * 1e6 / kSecondsPerHour;
}

std::string limits_text(const std::vector<Limit>& limits) {
  if (limits.empty()) return "computation";
  std::vector<std::string> parts;
  for (const Limit& limit : limits) {
    parts.push_back(fmt::format("{} {:.1f}", limit.name, 100 * limit.of_linear));
    if (parts.size() == 3) break;
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

void print_inputs(const PredictReport& report, const PredictOptions& options) {
  fmt::print("PREDICTED, not measured: {}, {}\n\n", report.setting.title,
             options.global_batch
                 ? fmt::format("global batch {:g} on any number of ranks", *options.global_batch)
                 : fmt::format("{:g} samples a rank", report.setting.scenario.step.batch));
  for (const PredictInput& input : report.setting.inputs) {
    fmt::print("  {:<22}{:<22}{}\n", input.name, input.value, input.origin);
  }
}

void print_rows(const PredictReport& report, const PredictOptions& options) {
  fmt::print("\n{:<10}{:>6}{:>10}{:>10}{:>30}{:>8}{:>11}{}  {}\n", "class", "ranks", "hosts",
             "step ms", "samples/s [95%]", "linear", "exposed ms",
             options.price > 0 ? fmt::format("{:>12}", "cost/M") : "", "lost to (points)");
  for (const PredictRow& row : report.rows) {
    const Prediction& found = row.prediction;
    const Cluster& cluster = row.scenario.cluster;
    const double samples = found.samples_per_second * found.step_seconds;
    fmt::print("{:<10}{:>6}{:>10}{:>10.2f}{:>30}{:>8.3f}{:>11.2f}{}  {}\n", "predicted",
               found.ranks, fmt::format("{} x {}", cluster.hosts, cluster.node.ranks),
               1e3 * found.step_seconds,
               fmt::format("{} [{}, {}]", print_count(found.samples_per_second),
                           print_count(samples / row.seconds.high),
                           print_count(samples / row.seconds.low)),
               found.of_linear, 1e3 * found.exposed_seconds,
               options.price > 0 ? fmt::format("{:>12.4g}", cost_per_million(row, options)) : "",
               limits_text(row.limits));
  }
}

void print_deadline(const PredictReport& report, const PredictOptions& options) {
  if (options.samples <= 0) return;
  const PredictRow* chosen = nullptr;
  for (const PredictRow& row : report.rows) {
    const bool in_time =
        options.deadline_hours <= 0 || hours(row, options) <= options.deadline_hours;
    const auto expense = [&](const PredictRow& of) {
      return of.prediction.ranks / of.prediction.samples_per_second;
    };
    if (in_time && (chosen == nullptr || expense(row) < expense(*chosen))) chosen = &row;
  }
  if (chosen == nullptr) {
    fmt::print("No listed number of ranks trains {} samples within {:g} h.\n",
               print_count(options.samples), options.deadline_hours);
    return;
  }
  fmt::print(
      "Cheapest for {} samples{}: {}, {} predicted{}\n", print_count(options.samples),
      options.deadline_hours > 0 ? fmt::format(" within {:g} h", options.deadline_hours) : "",
      counted(chosen->prediction.ranks, "rank"),
      print_seconds(hours(*chosen, options) * kSecondsPerHour),
      options.price > 0 ? fmt::format(", cost {:.4g}", options.price * chosen->prediction.ranks *
                                                           hours(*chosen, options))
                        : "");
}

}  // namespace

PredictReport predict_report(const PredictOptions& options) {
  PredictReport report;
  report.setting = predict_setting(options);
  const int per_host = report.setting.per_host;
  for (const int ranks : std::set(options.ranks.begin(), options.ranks.end())) {
    if (ranks > per_host && ranks % per_host != 0) {
      throw job_error(fmt::format("--ranks: {} do not fill hosts of {} (--per-host)", ranks,
                                  counted(per_host, "rank")));
    }
    if (options.global_batch && *options.global_batch < ranks) {
      throw job_error(fmt::format("--global-batch: {:g} samples are fewer than {}",
                                  *options.global_batch, counted(ranks, "rank")));
    }
    PredictRow row;
    row.scenario =
        with_ranks(report.setting.scenario, ranks, per_host, options.global_batch.has_value());
    row.prediction = predict(row.scenario);
    row.seconds = step_interval(row.scenario, report.setting.errors,
                                static_cast<double>(ranks) / report.setting.measured_ranks);
    row.limits = limits(row.scenario);
    report.rows.push_back(std::move(row));
  }
  const PredictRow& last = report.rows.back();
  report.advice = advice(last.scenario);
  report.knee = knee(
      with_ranks(report.setting.scenario, per_host, per_host, options.global_batch.has_value()),
      last.scenario.cluster.hosts);
  return report;
}

void print(const PredictReport& report, const PredictOptions& options) {
  print_inputs(report, options);
  print_rows(report, options);
  const int most = report.rows.back().prediction.ranks;
  fmt::print(
      "\nlinear: of as many times one rank alone. 95%: from the inputs' errors and the "
      "model's own,\n{:.1f}% root mean square on published runs that it was not fitted to "
      "(--published).\n",
      100 * kModelError);
  if (most > 8 * report.setting.measured_ranks) {
    fmt::print(
        "Beyond {} the upper end of a step allows for heavier tails of stragglers: no more "
        "than {} measured.\n",
        counted(8 * report.setting.measured_ranks, "rank"),
        report.setting.measured_ranks == 1
            ? std::string("1 rank was")
            : fmt::format("{} ranks were", report.setting.measured_ranks));
  }
  if (report.knee > 0) {
    fmt::print("Knee: beyond {} another host brings less than half of its ranks' own speed.\n",
               counted(report.knee, "rank"));
  } else {
    fmt::print("Knee: none up to {}.\n", counted(most, "rank"));
  }
  if (!report.advice.empty()) {
    fmt::print("At {}, predicted too:\n", counted(most, "rank"));
    for (const Advice& advice : report.advice) {
      fmt::print("  {:<42}{:+.1f}% samples/s{}\n", advice.change, 100 * (advice.gain - 1),
                 advice.caution.empty() ? "" : "; " + advice.caution);
    }
  }
  print_deadline(report, options);
  std::fflush(stdout);
}

nlohmann::ordered_json to_json(const PredictReport& report, const PredictOptions& options) {
  nlohmann::ordered_json json = {{"format", "ringtrain-prediction/1"},
                                 {"class", "predicted"},
                                 {"version", RINGTRAIN_VERSION},
                                 {"model", report.setting.title},
                                 {"model_error", kModelError}};
  for (const PredictInput& input : report.setting.inputs) {
    json["inputs"].push_back(
        {{"name", input.name}, {"value", input.value}, {"origin", input.origin}});
  }
  for (const PredictRow& row : report.rows) {
    const Prediction& found = row.prediction;
    const Cluster& cluster = row.scenario.cluster;
    nlohmann::ordered_json entry = {{"class", "predicted"},
                                    {"ranks", found.ranks},
                                    {"hosts", cluster.hosts},
                                    {"ranks_per_host", cluster.node.ranks},
                                    {"samples_per_rank", row.scenario.step.batch},
                                    {"step_ms", 1e3 * found.step_seconds},
                                    {"step_ms_low", 1e3 * row.seconds.low},
                                    {"step_ms_high", 1e3 * row.seconds.high},
                                    {"samples_per_second", found.samples_per_second},
                                    {"of_linear", found.of_linear},
                                    {"exposed_ms", 1e3 * found.exposed_seconds},
                                    {"stragglers_ms", 1e3 * found.straggler_seconds},
                                    {"input_wait_ms", 1e3 * found.data_seconds}};
    for (const Limit& limit : row.limits) entry["lost_points"][limit.name] = 100 * limit.of_linear;
    if (options.price > 0) entry["cost_per_million_samples"] = cost_per_million(row, options);
    if (options.samples > 0) entry["hours"] = hours(row, options);
    json["rows"].push_back(std::move(entry));
  }
  json["knee_ranks"] =
      report.knee > 0 ? nlohmann::ordered_json(report.knee) : nlohmann::ordered_json("none");
  json["advice"] = nlohmann::ordered_json::array();
  for (const Advice& advice : report.advice) {
    json["advice"].push_back(
        {{"change", advice.change}, {"gain", advice.gain}, {"caution", advice.caution}});
  }
  return json;
}

}  // namespace ringtrain::benchmarks
