// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/predict/published.hpp"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "benchmarks/predict/minimum.hpp"
#include "benchmarks/predict/straggler_model.hpp"

namespace ringtrain::benchmarks {
namespace {

using Json = nlohmann::json;

Averaging::Method method_named(const std::string& name) {
  if (name == "ring") return Averaging::Method::ring;
  if (name == "parameter_servers") return Averaging::Method::parameter_servers;
  throw data_error(
      fmt::format("averaging.method: '{}' is neither ring nor parameter_servers", name));
}

// Seconds of a step from any of the ways in which a result is published.
double step_seconds(const Json& result, double ranks, double batch, double reference) {
  if (result.contains("step_seconds")) return result["step_seconds"].get<double>();
  if (result.contains("efficiency")) return reference / result["efficiency"].get<double>();
  return ranks * batch / result.at("samples_per_second").get<double>();
}

double value_of(const Json& table, const char* key) {
  const Json& entry = table.at(key);
  return entry.contains("value") ? entry["value"].get<double>() : 0;
}

PublishedPoint read_point(const Json& table, const Json& json) {
  PublishedPoint point;
  point.table = table.at("name").get<std::string>();
  point.model = json.at("model").get<std::string>();
  point.held_out = json.at("role").get<std::string>() != "fit";
  point.fitted = table.at("stragglers").value("fitted", false);
  Scenario& scenario = point.scenario;
  scenario.step.batch = json.at("batch_per_rank").get<double>();
  scenario.cluster.hosts = json.at("hosts").get<int>();
  scenario.cluster.node.ranks = json.at("ranks_per_host").get<int>();
  const Json& base = json.at("base");
  point.base_ranks = base.at("ranks").get<int>();
  const double batch = scenario.step.batch;
  point.base_seconds = step_seconds(base, point.base_ranks, batch, 0);
  point.reference_seconds = point.base_seconds;
  if (json.contains("reference")) {
    const Json& reference = json["reference"];
    point.reference_seconds =
        step_seconds(reference, reference.at("ranks").get<double>(), batch, 0);
  }
  point.measured_seconds =
      step_seconds(json.at("measured"), scenario.cluster.ranks(), batch, point.reference_seconds);
  const double backward = value_of(table, "backward_share");
  scenario.step.backward = point.base_seconds * backward;
  scenario.step.forward = point.base_seconds * (1 - backward);
  const Json& model = table.at("models").at(point.model);
  EarlyGradients early;
  if (model.contains("early")) {
    early = {model["early"].at("bytes").get<double>(), model["early"].at("time").get<double>()};
  }
  const auto buckets = static_cast<size_t>(value_of(table, "buckets"));
  const double bytes = model.at("gradient_bytes").get<double>();
  scenario.step.buckets =
      spread_buckets(std::vector<double>(buckets, bytes / static_cast<double>(buckets)),
                     scenario.step.backward, early);
  scenario.averaging.method = method_named(table.at("averaging").at("method").get<std::string>());
  scenario.averaging.servers = json.value("servers", 0);
  constexpr double kBits = 8;
  scenario.cluster.link.bytes_per_second = value_of(table, "link_bits_per_second") / kBits *
                                           (point.fitted ? 1 : value_of(table, "link_share"));
  scenario.cluster.link.latency = value_of(table, "latency_us") * 1e-6;
  scenario.cluster.stragglers.random = value_of(table, "stragglers");
  return point;
}

}  // namespace

std::vector<PublishedPoint> read_published(const std::string& json, const std::string& name) {
  std::vector<PublishedPoint> points;
  try {
    const Json table = Json::parse(json);
    for (const Json& point : table.at("points")) points.push_back(read_point(table, point));
  } catch (const Json::exception& error) {
    throw data_error(fmt::format("{}: not a table of published figures: {}", name, error.what()));
  }
  return points;
}

double predicted_seconds(const PublishedPoint& point, const FittedParameters& fitted) {
  Scenario scenario = point.scenario;
  Stragglers& stragglers = scenario.cluster.stragglers;
  if (point.fitted) {
    stragglers.random = fitted.stragglers;
    scenario.cluster.link.bytes_per_second *= fitted.link_share;
  }
  // The base has waited for its own slowest rank.
  const double alone = 1 / (1 + stragglers.random * largest_of(point.base_ranks));
  scenario.step.forward *= alone;
  scenario.step.backward *= alone;
  for (Bucket& bucket : scenario.step.buckets) bucket.ready *= alone;
  return predict(scenario).step_seconds;
}

FittedParameters fit_published(const std::vector<PublishedPoint>& points) {
  const auto parameters = [](const std::vector<double>& x) {
    return FittedParameters{std::abs(x[0]), 1 / (1 + std::abs(x[1]))};
  };
  const auto error = [&](const std::vector<double>& x) {
    double sum = 0;
    for (const PublishedPoint& point : points) {
      if (point.held_out) continue;
      const double miss =
          std::log(predicted_seconds(point, parameters(x)) / point.measured_seconds);
      sum += miss * miss;
    }
    return sum;
  };
  return parameters(minimum_near({0.02, 0.2}, {0.01, 0.1}, error));
}

}  // namespace ringtrain::benchmarks
