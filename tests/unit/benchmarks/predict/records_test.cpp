// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/predict/records.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.hpp"
#include "benchmarks/predict/prediction.hpp"
#include "tests/throws_error.hpp"

namespace ringtrain::benchmarks {
namespace {

using testing::HasSubstr;

const std::string kResults = SOURCE_FOLDER "/benchmarks/results/";

TEST(StepRecords, AreThoseOfTheCommittedFile) {
  const auto records = read_step_records(read_file(kResults + "step.jsonl"), "step.jsonl");
  ASSERT_EQ(records.size(), 4U);
  EXPECT_EQ(records[1].model, "lenet5");
  EXPECT_EQ(records[1].ranks, 2);
  EXPECT_NEAR(records[1].alone.value, 28673, 1);
  EXPECT_GT(records[1].alone.error, 0);
  EXPECT_LT(records[1].alone.error, 0.02);
}

// Two ranks of one host: sums cost little, and what is lost is waiting for the slower one. Nothing
// is fitted: 3% of stragglers are those of published runs.
TEST(StepRecords, TwoRanksArePredictedWithin3PercentFromTheSameWithoutAveraging) {
  const SumRecord sums = read_sum_record(read_file(kResults + "all_reduce.jsonl"), "sums");
  for (const auto& record : read_step_records(read_file(kResults + "step.jsonl"), "step")) {
    Scenario scenario;
    const double seconds = record.global_batch / record.alone.value;
    scenario.step.batch = record.global_batch / record.ranks;
    scenario.step.forward = seconds / 3;
    scenario.step.backward = seconds * 2 / 3;
    scenario.step.buckets = spread_buckets(bucket_sizes(4e6, 4 << 20), scenario.step.backward);
    scenario.cluster.node = {.ranks = 2, .sum_ranks = 2, .sums = sums.sums};
    scenario.cluster.stragglers.random = 0.03;
    EXPECT_NEAR(predict(scenario).samples_per_second / record.averaged.value, 1, 0.03)
        << record.model;
  }
}

TEST(StepRecords, RefuseWhatTheyCannotUse) {
  EXPECT_THAT([] { read_step_records("{\"kind\":\"round\"}\n", "run.jsonl"); },
              ThrowsError(ErrorKind::data, HasSubstr("run.jsonl: no table")));
  EXPECT_THAT([] { read_step_records("\n{\"kind\":", "run.jsonl"); },
              ThrowsError(ErrorKind::data, HasSubstr("run.jsonl: line 2")));
  EXPECT_THAT([] { read_sum_record("{\"kind\":\"table\",\"ranks\":1,\"rows\":[]}", "sums.json"); },
              ThrowsError(ErrorKind::data, HasSubstr("sums.json: needs sums of at least 2 ranks")));
}

TEST(FitLink, FindsLatencyAndBandwidthOfAnExactLine) {
  SumRecord record;
  record.ranks = 3;
  for (const double bytes : {1e4, 1e5, 1e6, 1e7}) {
    record.sums.push_back({bytes, 50e-6 + 2 * bytes / 1.5e9});
  }
  const Link link = fit_link(record);
  EXPECT_NEAR(link.latency, 50e-6, 1e-9);
  EXPECT_NEAR(link.bytes_per_second, 1.5e9, 1e3);
}

TEST(FitLink, OfTwoHostsOnOneMachineIsAboutTheirTcp) {
  const SumRecord record =
      read_sum_record(read_file(kResults + "all_reduce_two_hosts.jsonl"), "sums");
  EXPECT_TRUE(record.between_hosts);
  const Link link = fit_link(record);
  EXPECT_GE(link.latency, 0);
  EXPECT_GT(link.bytes_per_second, 1.5e9);  // TCP alone: 2.2 GB/s each way
  EXPECT_LT(link.bytes_per_second, 3.5e9);
}

}  // namespace
}  // namespace ringtrain::benchmarks
