// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <map>

#include "benchmarks/commands/predict_report.hpp"

namespace ringtrain::benchmarks {
namespace {

struct Errors {
  double model = 0, perfect = 0;  // sums of |predicted rate / measured rate - 1|
  int points = 0;
};

double rate_error(double predicted_seconds, double measured_seconds) {
  return measured_seconds / predicted_seconds - 1;
}

void print_errors(const std::string& name, const Errors& errors) {
  fmt::print("  {:<32}{:>4}{:>11.1f}%{:>11.1f}%\n", name, errors.points,
             100 * errors.model / errors.points, 100 * errors.perfect / errors.points);
}

}  // namespace

nlohmann::ordered_json audit(const std::vector<PublishedPoint>& points) {
  const FittedParameters fitted = fit_published(points);
  nlohmann::ordered_json json = {{"format", "ringtrain-prediction-audit/1"},
                                 {"stragglers", fitted.stragglers},
                                 {"link_share", fitted.link_share}};
  fmt::print(
      "Fitted: stragglers {:.1f}%, {:.0f}% of a link's rate. Errors of samples/s; efficiency "
      "against the base.\n\n",
      100 * fitted.stragglers, 100 * fitted.link_share);
  fmt::print("{:<32}{:<19}{:>6}{:<10}{:>11}{:>11}{:>9}{:>9}{:>18}\n", "published run", "model",
             "ranks", "", "published", "predicted", "error", "perfect", "efficiency");
  std::map<std::string, Errors> by_table;
  Errors all;
  for (const PublishedPoint& point : points) {
    const double seconds = predicted_seconds(point, fitted);
    const double error = rate_error(seconds, point.measured_seconds);
    const double perfect = rate_error(point.base_seconds, point.measured_seconds);
    const int ranks = point.scenario.cluster.ranks();
    const double samples = ranks * point.scenario.step.batch;
    fmt::print("{:<32}{:<19}{:>6}  {:<8}{:>11.0f}{:>11.0f}{:>+8.1f}%{:>+8.1f}%{:>9.3f}{:>9.3f}\n",
               point.table, point.model, ranks, point.held_out ? "held out" : "fitted",
               samples / point.measured_seconds, samples / seconds, 100 * error, 100 * perfect,
               point.efficiency(point.measured_seconds), point.efficiency(seconds));
    json["rows"].push_back({{"class", "predicted"},
                            {"table", point.table},
                            {"model", point.model},
                            {"ranks", ranks},
                            {"held_out", point.held_out},
                            {"published_samples_per_second", samples / point.measured_seconds},
                            {"predicted_samples_per_second", samples / seconds},
                            {"perfect_samples_per_second", samples / point.base_seconds}});
    if (!point.held_out) continue;
    for (Errors* errors : {&by_table[point.table], &all}) {
      errors->model += std::abs(error);
      errors->perfect += std::abs(perfect);
      ++errors->points;
    }
  }
  fmt::print("\n  {:<32}{:>4}{:>12}{:>12}\n", "mean error, held-out points", "n", "model",
             "perfect");
  for (const auto& [table, errors] : by_table) print_errors(table, errors);
  if (all.points > 0) print_errors("all", all);
  std::fflush(stdout);
  return json;
}

}  // namespace ringtrain::benchmarks
