// SPDX-License-Identifier: Apache-2.0
#include "runtime/observe/stragglers.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace ringtrain {
namespace {

// Ranks that train for the given seconds a step, without MPI: sums are made by hand.
class Ranks {
 public:
  explicit Ranks(std::vector<double> seconds) : seconds_(std::move(seconds)) {
    std::vector<std::string> hosts;
    for (size_t r = 0; r < seconds_.size(); ++r) hosts.push_back("node" + std::to_string(r));
    for (size_t r = 0; r < seconds_.size(); ++r) {
      ranks_.emplace_back(static_cast<int>(r), hosts);
      ranks_.back().start(0, 0);
    }
  }
  void train(int steps, double slowdown = 1) {
    for (int s = 0; s < steps; ++s) {
      ++step_;
      std::vector<double> sum;
      std::vector<SumSlots> slots(ranks_.size());
      for (size_t r = 0; r < ranks_.size(); ++r) {
        own_.resize(ranks_.size());
        own_[r] += seconds_[r] * (r == 1 ? slowdown : 1);
        ranks_[r].add_slots(step_, own_[r], slots[r]);
        const auto values = slots[r].values();
        sum.resize(values.size());
        for (size_t i = 0; i < values.size(); ++i) sum[i] += values[i];
      }
      for (size_t r = 0; r < ranks_.size(); ++r) {
        std::copy(sum.begin(), sum.end(), slots[r].values().begin());
        ranks_[r].read_slots(slots[r]);
      }
    }
  }
  Stragglers& first() { return ranks_[0]; }

 private:
  std::vector<double> seconds_;
  std::vector<Stragglers> ranks_;
  std::vector<double> own_;
  int64_t step_ = 0;
};

TEST(Stragglers, NamesTheSlowRankOnceItStaysSlow) {
  Ranks ranks({0.1, 0.1, 0.1});
  ranks.train(64);
  EXPECT_FALSE(ranks.first().take_news());
  std::optional<RankSpeed> news;
  int slow_steps = 0;
  for (; slow_steps < 1000 && !news; ++slow_steps) {
    ranks.train(1, 3);
    news = ranks.first().take_news();
  }
  ASSERT_TRUE(news);
  EXPECT_GT(slow_steps, 8) << "a few slow steps are no straggler";
  EXPECT_EQ(news->rank, 1);
  EXPECT_EQ(news->host, "node1");
  EXPECT_NEAR(news->seconds, 0.3, 1e-9);
  EXPECT_NEAR(news->median, 0.1, 1e-9);
  ranks.train(200, 3);
  EXPECT_FALSE(ranks.first().take_news()) << "it has been named";
}

TEST(Stragglers, SaysNothingOfARankThatIsSlowForAMoment) {
  Ranks ranks({0.1, 0.1, 0.1});
  ranks.train(64);
  ranks.train(2, 3);
  ranks.train(200);
  EXPECT_FALSE(ranks.first().take_news());
}

TEST(Stragglers, KnowsTheSlowestOfAnEpochAndOfAll) {
  Ranks ranks({0.1, 0.2});
  ranks.train(16);
  const auto slowest = ranks.first().slowest_of_epoch();
  ASSERT_TRUE(slowest);
  EXPECT_EQ(slowest->rank, 1);
  EXPECT_NEAR(slowest->seconds, 0.2, 1e-9);
  EXPECT_FALSE(ranks.first().slowest_of_epoch());
  ASSERT_TRUE(ranks.first().slowest());
}

TEST(Stragglers, KnowTheSecondsOfEveryRankSinceTheLastReport) {
  Ranks ranks({0.1, 0.2});
  EXPECT_TRUE(ranks.first().take_step_seconds().empty());
  ranks.train(16);
  ranks.train(16, 2);
  const std::vector<double> seconds = ranks.first().take_step_seconds();
  ASSERT_EQ(seconds.size(), 2u);
  EXPECT_NEAR(seconds[0], 0.1, 1e-9);
  EXPECT_NEAR(seconds[1], 0.3, 1e-9);
  EXPECT_TRUE(ranks.first().take_step_seconds().empty());
}

TEST(Stragglers, IsNobodyAmongOne) {
  Ranks ranks({0.1});
  ranks.train(64);
  EXPECT_NEAR(ranks.first().take_step_seconds().at(0), 0.1, 1e-9);
  EXPECT_FALSE(ranks.first().slowest());
}

}  // namespace
}  // namespace ringtrain
