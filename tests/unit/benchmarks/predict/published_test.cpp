// SPDX-License-Identifier: Apache-2.0
// The model's acceptance on runs that others have published. What is fitted is fitted to two
// points; the roles of all were committed before.
#include "benchmarks/predict/published.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "base/file.hpp"
#include "benchmarks/predict/outlook.hpp"
#include "tests/throws_error.hpp"

namespace ringtrain::benchmarks {
namespace {

std::vector<PublishedPoint> read(const std::string& name) {
  const std::string file = SOURCE_FOLDER "/benchmarks/published/" + name + ".json";
  return read_published(read_file(file), file);
}

std::vector<PublishedPoint> all() {
  std::vector<PublishedPoint> points;
  for (const char* name : {"tensorflow-2017-k80", "tensorflow-2017-k80-batch-32", "horovod-512",
                           "goyal-2017", "pytorch-ddp-v100"}) {
    for (const PublishedPoint& point : read(name)) points.push_back(point);
  }
  return points;
}

FittedParameters fitted() { return fit_published(read("horovod-512")); }

struct MeanErrors {
  double model = 0, perfect = 0;  // of samples per second
};

MeanErrors mean_errors(const std::vector<PublishedPoint>& points) {
  MeanErrors errors;
  for (const PublishedPoint& point : points) {
    const double measured = point.measured_seconds;
    const auto n = static_cast<double>(points.size());
    errors.model += std::abs(measured / predicted_seconds(point, fitted()) - 1) / n;
    errors.perfect += std::abs(measured / point.base_seconds - 1) / n;
  }
  return errors;
}

double efficiency_error(const PublishedPoint& point) {
  return std::abs(point.efficiency(predicted_seconds(point, fitted())) -
                  point.efficiency(point.measured_seconds));
}

TEST(Published, TensorFlowIsPredictedWithin4PercentWhereNothingIsFitted) {
  const std::vector<PublishedPoint> points = read("tensorflow-2017-k80");
  ASSERT_EQ(points.size(), 9U);
  const MeanErrors errors = mean_errors(points);
  EXPECT_LE(errors.model, 0.04);
  EXPECT_NEAR(errors.model, 0.030, 0.001);    // as docs/internals/prediction.md says
  EXPECT_NEAR(errors.perfect, 0.052, 0.001);  // perfect scaling
  const PublishedPoint& last = points.back();
  EXPECT_EQ(last.model, "ResNet-152");
  EXPECT_EQ(last.scenario.cluster.ranks(), 64);
  EXPECT_NEAR(predicted_seconds(last, fitted()) / last.measured_seconds, 1, 0.1);
}

TEST(Published, TensorFlowOfBatch32WasPredictedBeforeItWasRead) {
  const std::vector<PublishedPoint> points = read("tensorflow-2017-k80-batch-32");
  const MeanErrors errors = mean_errors(points);
  EXPECT_NEAR(errors.model, 0.028, 0.001);
  EXPECT_NEAR(errors.perfect, 0.077, 0.001);
}

TEST(Published, TwoPointsOfHorovodGiveStragglersAndTheLinksShare) {
  EXPECT_NEAR(fitted().stragglers, 0.032, 0.001);
  EXPECT_NEAR(fitted().link_share, 0.86, 0.01);
}

TEST(Published, HorovodsThirdModelIsWithin3Points) {
  for (const PublishedPoint& point : read("horovod-512")) {
    if (point.held_out) {
      EXPECT_LE(efficiency_error(point), 0.03) << point.model;
    }
  }
}

TEST(Published, DdpOn16GpusIsWithin3Points) {
  for (const PublishedPoint& point : read("pytorch-ddp-v100")) {
    EXPECT_LE(efficiency_error(point), 0.03) << point.model;
  }
}

// Missed: 0.948 against about 0.90. The page on the model says so, and this test keeps it true.
TEST(Published, GoyalIsMissedByFivePoints) {
  const std::vector<PublishedPoint> points = read("goyal-2017");
  ASSERT_EQ(points.size(), 1U);
  EXPECT_NEAR(efficiency_error(points.front()), 0.048, 0.002);
}

TEST(Published, HeldOutPointsArePredictedTwiceAsWellAsByPerfectScaling) {
  std::vector<PublishedPoint> points = all();
  std::erase_if(points, [](const PublishedPoint& point) { return !point.held_out; });
  const MeanErrors errors = mean_errors(points);
  EXPECT_LE(errors.model, 0.1);
  EXPECT_GE(1 - errors.model / errors.perfect, 0.5);
  for (const PublishedPoint& point : points) {
    EXPECT_NEAR(predicted_seconds(point, fitted()) / point.measured_seconds, 1, 0.2) << point.model;
  }
}

TEST(Published, TheModelsErrorIsThatOfItsHeldOutPoints) {
  double squares = 0, points = 0, covered = 0;
  for (const PublishedPoint& point : all()) {
    if (!point.held_out) continue;
    const double miss = std::log(predicted_seconds(point, fitted()) / point.measured_seconds);
    squares += miss * miss;
    points += 1;
    covered += std::abs(miss) <= 1.96 * kModelError ? 1 : 0;
  }
  EXPECT_EQ(points, 21);
  EXPECT_NEAR(std::sqrt(squares / points), kModelError, 0.0005);
  EXPECT_GE(covered / points, 0.85);
}

// The documentation's table is made of this file. To write it again:
// ringtrain bench predict --published benchmarks/published/*.json --json FILE
TEST(Published, TheCommittedPredictionsAreTheModels) {
  const auto json =
      nlohmann::json::parse(read_file(SOURCE_FOLDER "/benchmarks/results/prediction.json"));
  const auto points = all();
  ASSERT_EQ(json.at("rows").size(), points.size());
  for (const PublishedPoint& point : points) {
    const double samples = point.scenario.cluster.ranks() * point.scenario.step.batch;
    const double predicted = samples / predicted_seconds(point, fitted());
    const auto& rows = json.at("rows");
    EXPECT_TRUE(std::any_of(
        rows.begin(), rows.end(),
        [&](const auto& row) {
          return row.at("table") == point.table && row.at("model") == point.model &&
                 row.at("ranks") == point.scenario.cluster.ranks() &&
                 std::abs(row.at("predicted_samples_per_second").template get<double>() /
                              predicted -
                          1) < 1e-4;
        }))
        << point.table << ", " << point.model;
  }
}

TEST(Published, RefusesWhatIsNoTable) {
  EXPECT_THAT([] { read_published("{}", "x.json"); },
              ThrowsError(ErrorKind::data, testing::HasSubstr("x.json: not a table")));
}

}  // namespace
}  // namespace ringtrain::benchmarks
