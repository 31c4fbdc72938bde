// SPDX-License-Identifier: Apache-2.0
#include "runtime/checkpoint/training_state.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "base/error.hpp"

namespace ringtrain {
namespace {

using nlohmann::ordered_json;

// JSON has no infinity and no NaN.
ordered_json exact(double value) {
  if (std::isfinite(value)) return value;
  return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
}

ordered_json exact(const std::vector<double>& values) {
  auto list = ordered_json::array();
  for (const double value : values) list.push_back(exact(value));
  return list;
}

// Returns an object without the figures that the evaluation does not have.
ordered_json exact(const Evaluation& tested) {
  ordered_json json = {{"loss", exact(tested.loss)}};
  if (tested.accuracy) json["accuracy"] = exact(*tested.accuracy);
  if (tested.rmse) json["rmse"] = exact(*tested.rmse);
  if (tested.mae) json["mae"] = exact(*tested.mae);
  return json;
}

double number(const ordered_json& value) {
  if (!value.is_string()) return value.get<double>();
  const auto text = value.get<std::string>();
  if (text == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (text != "inf" && text != "-inf") throw data_error("not a training state: a number is none");
  return text == "inf" ? std::numeric_limits<double>::infinity()
                       : -std::numeric_limits<double>::infinity();
}

std::vector<double> numbers(const ordered_json& list) {
  std::vector<double> values;
  for (const auto& value : list) values.push_back(number(value));
  return values;
}

Evaluation evaluation_from(const ordered_json& json) {
  Evaluation tested{.loss = number(json.at("loss"))};
  if (json.contains("accuracy")) tested.accuracy = number(json["accuracy"]);
  if (json.contains("rmse")) tested.rmse = numbers(json["rmse"]);
  if (json.contains("mae")) tested.mae = numbers(json["mae"]);
  return tested;
}

int64_t whole(const ordered_json& value) {
  if (!value.is_number_integer())
    throw data_error("not a training state: a count is no whole number");
  return value.get<int64_t>();
}

}  // namespace

ordered_json to_json(const TrainingState& state) {
  ordered_json tested;
  if (state.tested) tested = exact(*state.tested);
  return {{"step", state.step},
          {"closed_step", state.closed_step},
          {"optimizer_steps", state.optimizer_steps},
          {"skipped_steps", state.skipped_steps},
          {"skipped_in_a_row", state.skipped_in_a_row},
          {"rollbacks", state.rollbacks},
          {"rollbacks_in_a_row", state.rollbacks_in_a_row},
          {"last_rollback_step", state.last_rollback_step},
          {"order_hash", fmt::format("{:016x}", state.order_hash)},
          {"epoch", state.totals.epoch},
          {"epoch_loss", exact(state.totals.epoch_loss)},
          {"epoch_samples", exact(state.totals.epoch_samples)},
          {"samples_seen", state.totals.samples_seen},
          {"losses", exact(state.losses)},
          {"tested", tested}};
}

TrainingState training_state_from(const ordered_json& value) {
  try {
    TrainingState state;
    state.step = whole(value.at("step"));
    state.closed_step = whole(value.at("closed_step"));
    state.optimizer_steps = whole(value.at("optimizer_steps"));
    state.skipped_steps = whole(value.at("skipped_steps"));
    state.skipped_in_a_row = whole(value.at("skipped_in_a_row"));
    state.rollbacks = whole(value.at("rollbacks"));
    state.rollbacks_in_a_row = whole(value.at("rollbacks_in_a_row"));
    state.last_rollback_step = whole(value.at("last_rollback_step"));
    state.order_hash = std::stoull(value.at("order_hash").get<std::string>(), nullptr, 16);
    state.totals = {.epoch = whole(value.at("epoch")),
                    .epoch_loss = number(value.at("epoch_loss")),
                    .epoch_samples = number(value.at("epoch_samples")),
                    .samples_seen = static_cast<uint64_t>(whole(value.at("samples_seen")))};
    state.losses = numbers(value.at("losses"));
    const auto& tested = value.at("tested");
    if (!tested.is_null()) state.tested = evaluation_from(tested);
    if (state.step < 0 || state.closed_step < 0 || state.closed_step > state.step ||
        state.optimizer_steps < 0) {
      throw data_error("its steps make no sense");
    }
    return state;
  } catch (const nlohmann::json::exception& error) {
    throw data_error(fmt::format("not a training state: {}", error.what()));
  } catch (const std::logic_error&) {  // thrown by stoull
    throw data_error("not a training state: its order_hash is no number");
  }
}

}  // namespace ringtrain
