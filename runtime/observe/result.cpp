// SPDX-License-Identifier: Apache-2.0
#include "runtime/observe/result.hpp"

namespace ringtrain {
namespace {

template <class T>
nlohmann::ordered_json or_null(const std::optional<T>& value) {
  return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json();
}

}  // namespace

nlohmann::ordered_json to_json(const Result& result) {
  auto placement = nlohmann::ordered_json::array();
  for (const auto& [rank, host, device] : result.placement) {
    placement.push_back({{"rank", rank}, {"host", host}, {"device", device}});
  }
  const Seconds& s = result.seconds;
  return {{"name", result.name},
          {"status", result.status},
          {"ranks", result.placement.size()},
          {"placement", placement},
          {"device", result.device},
          {"communication", result.communication},
          {"epochs", result.epochs},
          {"steps", result.steps},
          {"skipped_steps", result.skipped_steps},
          {"rollbacks", result.rollbacks},
          {"resumed_from_step", or_null(result.resumed_from_step)},
          {"samples_seen", result.samples_seen},
          {"train_loss", result.train_loss},
          {"test_loss", or_null(result.test_loss)},
          {"test_accuracy", or_null(result.test_accuracy)},
          {"samples_per_second", result.samples_per_second},
          {"seconds",
           {{"total", s.total},
            {"startup", s.startup},
            {"compute", s.compute},
            {"exposed_communication", s.exposed_communication},
            {"data_wait", s.data_wait},
            {"evaluate", s.evaluate},
            {"checkpoint", s.checkpoint}}},
          {"slowest", result.slowest ? to_json(*result.slowest) : nlohmann::ordered_json()},
          {"order_hash", result.order_hash},
          {"model", result.model}};
}

}  // namespace ringtrain
