// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "benchmarks/commands/sampled_rounds.hpp"
#include "benchmarks/scaling/plan.hpp"

namespace ringtrain::benchmarks {

// {"kind": "round", ...}
nlohmann::ordered_json round_record(const GatedRound& round, const std::vector<StepSample>& samples,
                                    const ScalingPlan& plan);

struct ScalingTableOptions {
  int wanted = 7;               // rounds
  int cores = 1;                // of this machine; more ranks on it are "oversubscribed"
  bool local = true;            // all ranks are here
  std::optional<double> price;  // of an hour of one rank, in the user's currency
};

// {"kind": "table", ...}, a row for each point of the plan, in its order.
nlohmann::ordered_json scaling_table(const SampledRounds& all, const ScalingPlan& plan,
                                     const ScalingTableOptions& options);

void print_scaling_table(const nlohmann::ordered_json& table);

}  // namespace ringtrain::benchmarks
