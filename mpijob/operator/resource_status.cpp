// SPDX-License-Identifier: Apache-2.0
#include "mpijob/operator/resource_status.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <string>

#include "mpijob/client/json_path.hpp"

namespace ringtrain::mpijob {
namespace {

using nlohmann::json;

// Four digits, so that a status is not written for noise. By way of their text: a product with
// 0.1 is printed as 228.70000000000002.
double four_digits(double value) {
  return std::isfinite(value) ? std::stod(fmt::format("{:.4g}", value)) : 0;
}

}  // namespace

ResourceStatus::ResourceStatus(const json& resource, Time now)
    : value_(look(resource, {"status"})), now_(now) {
  if (!value_.is_object()) value_ = json::object();
  if (!value_.contains("conditions")) value_["conditions"] = json::array();
  if (!value_.contains("startTime")) value_["startTime"] = print_time(now);
  value_["observedGeneration"] = look_number(resource, {"metadata", "generation"}, 1);
}

bool ResourceStatus::has(const char* condition) const {
  for (const json& one : value_["conditions"]) {
    if (look_text(one, {"type"}) == condition) return look_text(one, {"status"}) == "True";
  }
  return false;
}

void ResourceStatus::say(const std::string& phase, const std::string& reason,
                         const std::string& why) {
  value_["phase"] = phase;
  value_["reason"] = reason;
  value_["why"] = why;
}

void ResourceStatus::reach(const char* condition, const std::string& reason,
                           const std::string& message) {
  if (has(condition)) return;
  value_["conditions"].push_back({{"type", condition},
                                  {"status", "True"},
                                  {"reason", reason},
                                  {"message", message},
                                  {"lastTransitionTime", print_time(now_)}});
}

void ResourceStatus::set_split(const SplitResult& split) {
  value_["trainingRows"] = split.train_rows;
  value_["model"] = split.model;
}

SplitResult ResourceStatus::split() const {
  return {look_text(value_, {"model"}), look_number(value_, {"trainingRows"})};
}

void ResourceStatus::set_progress(const TrainingLog& log) {
  if (const auto& step = log.step()) {
    value_["epoch"] = step->epoch;
    value_["step"] = step->step;
    value_["steps"] = step->steps;
    value_["loss"] = four_digits(step->loss);
    value_["samplesPerSecond"] = four_digits(step->samples_per_second);
    const auto left = static_cast<int64_t>(std::max(0.0, step->seconds_left));
    value_["secondsLeft"] = left;
    value_["timeLeft"] = print_age(std::chrono::seconds(left));
  }
  if (const auto& epoch = log.epoch()) {
    // Short epochs end between two reports of a step.
    if (!log.step() || epoch->step >= log.step()->step) {
      value_["epoch"] = epoch->epoch;
      value_["step"] = epoch->step;
    }
    if (epoch->test_accuracy) value_["testAccuracy"] = four_digits(*epoch->test_accuracy);
  }
  if (const auto& result = log.result()) {
    value_["loss"] = four_digits(result->result.train_loss);
    value_["samplesPerSecond"] = four_digits(result->result.samples_per_second);
    if (result->result.test_accuracy) {
      value_["testAccuracy"] = four_digits(*result->result.test_accuracy);
    }
  }
}

void ResourceStatus::end() {
  value_.erase("secondsLeft");
  value_.erase("timeLeft");
  if (!value_.contains("completionTime")) value_["completionTime"] = print_time(now_);
}

json status_patch(const json& before, const json& after) {
  if (before == after) return nullptr;
  json patch = after;
  if (before.is_object()) {
    for (const auto& [key, value] : before.items()) {
      if (!after.contains(key)) patch[key] = nullptr;
    }
  }
  return patch;
}

}  // namespace ringtrain::mpijob
