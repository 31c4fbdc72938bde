// SPDX-License-Identifier: Apache-2.0
// The keys of a Result and its parts, for result.json and for the events that carry them.
#pragma once

#include "job/fields.hpp"
#include "job/result_file.hpp"

namespace ringtrain {

constexpr auto fields_of(const RankPlacement*) {
  using T = RankPlacement;
  return std::tuple(field("rank", &T::rank), field("host", &T::host), field("device", &T::device));
}

constexpr auto fields_of(const RankSpeed*) {
  using T = RankSpeed;
  return std::tuple(field("slowest_rank", &T::rank), field("host", &T::host),
                    field("seconds", &T::seconds), field("median_of_others", &T::median));
}

constexpr auto fields_of(const Seconds*) {
  using T = Seconds;
  return std::tuple(
      field("total", &T::total), field("startup", &T::startup), field("compute", &T::compute),
      field("exposed_communication", &T::exposed_communication), field("data_wait", &T::data_wait),
      field("evaluate", &T::evaluate), field("checkpoint", &T::checkpoint));
}

constexpr auto fields_of(const RecoverySummary*) {
  using T = RecoverySummary;
  return std::tuple(field("restarts", &T::restarts), field("seconds_lost", &T::seconds_lost),
                    field("steps_replayed", &T::steps_replayed),
                    field("samples_replayed", &T::samples_replayed), field("causes", &T::causes));
}

constexpr auto fields_of(const Result*) {
  using T = Result;
  return std::tuple(
      field("name", &T::name), field("status", &T::status), field("ranks", &T::ranks),
      field("placement", &T::placement), field("device", &T::device),
      field("precision", &T::precision), field("communication", &T::communication),
      field("epochs", &T::epochs), field("steps", &T::steps),
      field("skipped_steps", &T::skipped_steps), field("rollbacks", &T::rollbacks),
      field("resumed_from_step", &T::resumed_from_step), field("samples_seen", &T::samples_seen),
      field("train_loss", &T::train_loss), field("test_loss", &T::test_loss),
      field("test_accuracy", &T::test_accuracy), field("test_rmse", &T::test_rmse, WhenEmpty::omit),
      field("test_mae", &T::test_mae, WhenEmpty::omit),
      field("samples_per_second", &T::samples_per_second), field("seconds", &T::seconds),
      field("slowest", &T::slowest), field("order_hash", &T::order_hash), field("model", &T::model),
      field("recovery", &T::recovery, WhenEmpty::omit));
}

}  // namespace ringtrain
