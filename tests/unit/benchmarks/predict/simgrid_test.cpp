// SPDX-License-Identifier: Apache-2.0
// The recurrence against SimGrid, which knows nothing of it: links, messages and waiting are
// simulated one by one.
#include <gtest/gtest.h>

#include "tests/unit/benchmarks/predict/example_step.hpp"
#include "tests/unit/benchmarks/predict/simgrid_step.hpp"

namespace ringtrain::benchmarks {
namespace {

class SimulatedStep : public testing::TestWithParam<int> {};

TEST_P(SimulatedStep, TakesAsLongAsTheRecurrenceSays) {
  Scenario scenario;
  scenario.step = example_step();
  const size_t buckets = GetParam() > 64 ? 3 : 8;  // 256 ranks send 400,000 messages
  scenario.step.buckets = spread_buckets(
      std::vector<double>(buckets, 100e6 / static_cast<double>(buckets)), scenario.step.backward);
  scenario.cluster = example_cluster(GetParam());
  scenario.averaging.method = Averaging::Method::ring;
  for (const double rate : {0.3e9, 3e9}) {
    scenario.cluster.link.bytes_per_second = rate;
    EXPECT_NEAR(simulated_seconds(scenario) / predict(scenario).step_seconds, 1, 0.01) << rate;
  }
}

INSTANTIATE_TEST_SUITE_P(Ranks, SimulatedStep, testing::Values(2, 4, 16, 64, 256),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace ringtrain::benchmarks
