// SPDX-License-Identifier: Apache-2.0
#include "tracking/scalars.hpp"

#include <optional>
#include <variant>

namespace ringtrain::tracking {
namespace {

Scalars scalars_of_epoch(const EpochEvent& epoch) {
  Scalars scalars{epoch.step,
                  {{"train_loss", epoch.train_loss}, {"learning_rate", epoch.learning_rate}}};
  const auto add = [&](const char* name, const std::optional<double>& value) {
    if (value) scalars.values.emplace_back(name, *value);
  };
  const auto add_each = [&](const std::string& name,
                            const std::optional<std::vector<double>>& values) {
    for (size_t i = 0; values && i < values->size(); ++i) {
      scalars.values.emplace_back(name + "/" + std::to_string(i), (*values)[i]);
    }
  };
  add("test_loss", epoch.test_loss);
  add("test_accuracy", epoch.test_accuracy);
  add_each("test_rmse", epoch.test_rmse);
  add_each("test_mae", epoch.test_mae);
  if (epoch.slowest) add("step_seconds", epoch.slowest->seconds);
  return scalars;
}

}  // namespace

Scalars scalars_of(const Event& event) {
  if (const auto* const step = std::get_if<StepEvent>(&event)) {
    return {step->step, {{"loss", step->loss}, {"samples_per_second", step->samples_per_second}}};
  }
  if (const auto* const epoch = std::get_if<EpochEvent>(&event)) return scalars_of_epoch(*epoch);
  return {};
}

}  // namespace ringtrain::tracking
