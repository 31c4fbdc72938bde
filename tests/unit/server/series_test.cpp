// SPDX-License-Identifier: Apache-2.0
#include "server/store/series.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

namespace ringtrain::server {
namespace {

TEST(Series, HoldsEveryPointOfAFewAsItIs) {
  Series series;
  for (int step = 1; step <= 3; ++step) series.add(step, 100 + step, 10 * step);
  const auto json = series.to_json(100);
  EXPECT_EQ(json["step"], (std::vector<double>{1, 2, 3}));
  EXPECT_EQ(json["time"], (std::vector<double>{101, 102, 103}));
  EXPECT_EQ(json["mean"], (std::vector<double>{10, 20, 30}));
}

TEST(Series, StaysBoundedAndKeepsEverySpike) {
  Series series;
  constexpr int kPoints = 100000;
  for (int step = 1; step <= kPoints; ++step) series.add(step, step, step == 77777 ? 1e6 : 1);
  EXPECT_LE(series.buckets().size(), Series::kMaxBuckets);
  double points = 0;
  double largest = 0;
  for (const auto& bucket : series.buckets()) {
    points += bucket.count;
    largest = std::max(largest, bucket.max);
  }
  EXPECT_EQ(points, kPoints);
  EXPECT_EQ(largest, 1e6);
  EXPECT_EQ(series.buckets().front().step, 1);
  EXPECT_EQ(series.buckets().back().last, 1);
}

TEST(Series, IsMergedForAChartWithTheMeansOfAllPoints) {
  Series series;
  for (int step = 0; step < 1000; ++step) series.add(step, step, step);
  const auto json = series.to_json(10);
  const size_t points = json["step"].size();
  EXPECT_LE(points, 10u);
  EXPECT_GE(points, 5u);
  double sum = 0;
  for (size_t i = 0; i < points; ++i) {
    EXPECT_LE(json["min"][i], json["mean"][i]);
    EXPECT_GE(json["max"][i], json["mean"][i]);
    sum += json["max"][i].get<double>() - json["min"][i].get<double>() + 1;
  }
  EXPECT_EQ(sum, 1000);  // no point is in two of them, or in none
}

TEST(Series, ForgetsWhatARunLostThatResumedFromACheckpoint) {
  Series series;
  for (int step = 1; step <= 10; ++step) series.add(step, step, 1);
  for (int step = 6; step <= 8; ++step) series.add(step, 100 + step, 2);
  const auto json = series.to_json(100);
  EXPECT_EQ(json["step"], (std::vector<double>{1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(json["mean"], (std::vector<double>{1, 1, 1, 1, 1, 2, 2, 2}));
}

TEST(Series, LeavesOutWhatIsNotFinite) {
  Series series;
  series.add(1, 1, std::numeric_limits<double>::quiet_NaN());
  series.add(2, 2, std::numeric_limits<double>::infinity());
  EXPECT_TRUE(series.buckets().empty());
  EXPECT_EQ(series.to_json(10)["step"].size(), 0u);
}

TEST(Series, ComesBackFromItsBytesAndFromNoOthers) {
  Series series;
  for (int step = 1; step <= 5000; ++step) series.add(step, step, std::sin(step));
  const std::string bytes = series.bytes();
  auto back = Series::from_bytes(bytes);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->buckets(), series.buckets());
  back->add(5001, 5001, 1);
  series.add(5001, 5001, 1);
  EXPECT_EQ(back->bytes(), series.bytes());
  EXPECT_FALSE(Series::from_bytes(bytes.substr(1)));
  EXPECT_FALSE(Series::from_bytes(""));
  EXPECT_FALSE(Series::from_bytes(std::string(1 << 20, '\0')));
}

}  // namespace
}  // namespace ringtrain::server
