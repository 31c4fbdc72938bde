// SPDX-License-Identifier: Apache-2.0
// The policy by a table, then replayed beside KubeML's rule on the same curves.
#include "server/jobs/elastic.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <map>

namespace ringtrain::server {
namespace {

using Rate = std::function<double(int ranks)>;

std::vector<RatePoint> points_of(const Rate& rate, int most) {
  std::vector<RatePoint> points;
  for (int ranks = 1; ranks <= most; ++ranks) points.push_back({ranks, rate(ranks)});
  return points;
}

// Much of the work is serial: 100, 143, 167, 182, 192, ...
double much_serial(int ranks) { return 1 / (0.004 + 0.006 / ranks); }
// Ranks get in one another's way: the rate falls after the fourth.
double contended(int ranks) { return 100.0 * ranks / (1 + 0.06 * ranks * (ranks - 1)); }
double perfect(int ranks) { return 100.0 * ranks; }
double flat(int /*ranks*/) { return 100; }

struct Row {
  const char* what;
  ElasticJob job;
  int free_cores;
  int expected;  // ranks; those that it has: no change
};

ElasticJob job_on(int ranks, const Rate& rate, double minutes_left) {
  ElasticJob job{.name = "job", .ranks = ranks, .least = 1, .most = 8};
  job.curve = RateCurve(points_of(rate, 8), {});
  job.samples_left = minutes_left * 60 * rate(ranks);
  job.seconds_since_change = 1000;
  return job;
}

int chosen(const Row& row) {
  const auto changes = choose_ranks({row.job}, row.free_cores);
  return changes.empty() ? row.job.ranks : changes.front().ranks;
}

TEST(Elastic, ChoosesByThisTable) {
  ElasticJob early = job_on(1, perfect, 10);
  early.seconds_since_change = 119;
  ElasticJob bounded = job_on(2, perfect, 10);
  bounded.most = 3;
  ElasticJob floor = job_on(4, flat, 10);
  floor.least = 2;
  ElasticJob unknown = job_on(1, perfect, 10);
  unknown.curve = {};
  ElasticJob dear = job_on(1, perfect, 1);
  dear.restart_seconds = 30;
  const std::vector<Row> rows = {
      {"perfect scaling doubles", job_on(2, perfect, 10), 8, 4},
      {"as far as cores are free", job_on(2, perfect, 10), 1, 3},
      {"no core is free", job_on(2, perfect, 10), 0, 2},
      {"within workers.max", bounded, 8, 3},
      {"two minutes between changes", early, 8, 1},
      {"a restart costs more than it gains", job_on(1, perfect, 0.1), 8, 1},
      {"as it was measured to cost", dear, 8, 1},
      {"less than 10% is not worth it", job_on(3, much_serial, 10), 8, 3},
      {"gives back cores that bring nothing", job_on(4, flat, 10), 0, 1},
      {"but for workers.min", floor, 0, 2},
      {"takes back a step over the top", job_on(8, contended, 10), 0, 3},
      {"but not at the very end", job_on(4, flat, 0.3), 0, 4},
      {"nothing is known", unknown, 8, 1},
  };
  for (const Row& row : rows) EXPECT_EQ(chosen(row), row.expected) << row.what;
}

TEST(Elastic, GivesACoreToTheJobThatGrowsMost) {
  ElasticJob slow = job_on(1, much_serial, 100);
  ElasticJob fast = job_on(1, perfect, 100);
  slow.name = "slow";
  fast.name = "fast";
  const auto changes = choose_ranks({slow, fast}, 1);
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].name, "fast");
  EXPECT_EQ(changes[0].ranks, 2);
}

TEST(Elastic, NeverHandsOutMoreThanIsFree) {
  const auto changes = choose_ranks({job_on(2, perfect, 50), job_on(2, perfect, 50)}, 3);
  int more = 0;
  for (const RankChange& one : changes) more += one.ranks - 2;
  EXPECT_LE(more, 3);
  EXPECT_GE(more, 1);
}

// A job under the policy, measured as it trains.
struct Replay {
  int ranks = 1;
  int changes = 0;
  double seconds = 0;
};

Replay replay(const Rate& rate, int cores, double samples) {
  Replay now;
  std::map<int, double> measured;
  double since = 0;
  constexpr double kTick = 5;
  while (samples > 0) {
    measured[now.ranks] = rate(now.ranks);
    ElasticJob job{.name = "job", .ranks = now.ranks, .least = 1, .most = cores};
    std::vector<RatePoint> own;
    for (const auto& [ranks, per_second] : measured) own.push_back({ranks, per_second});
    job.curve = RateCurve(own, {});
    job.samples_left = samples;
    job.seconds_since_change = since;
    for (const RankChange& change : choose_ranks({job}, cores - now.ranks)) {
      now.ranks = change.ranks;
      ++now.changes;
      now.seconds += job.restart_seconds;
      since = 0;
    }
    samples -= kTick * rate(now.ranks);
    now.seconds += kTick;
    since += kTick;
  }
  return now;
}

// KubeML (ml/pkg/scheduler/policy.go): one more after an epoch that took at most 1.05 times as long
// as the last one, one fewer after one that took more than 1.2 times as long.
Replay replay_kubeml(const Rate& rate, double samples, double samples_of_epoch) {
  Replay now;
  double last = 0;
  while (samples > 0) {
    const double epoch = samples_of_epoch / rate(now.ranks);
    now.seconds += epoch;
    samples -= samples_of_epoch;
    if (last == 0 || epoch <= 1.05 * last) {
      ++now.ranks;
      ++now.changes;
    } else if (epoch >= 1.2 * last && now.ranks > 1) {
      --now.ranks;
      ++now.changes;
    }
    last = epoch;
  }
  return now;
}

// The number of ranks after which one adds less than a quarter of what they give on average.
int knee_of(const Rate& rate, int most) {
  int ranks = 1;
  while (ranks < most && rate(ranks + 1) - rate(ranks) >= 0.25 * rate(ranks) / ranks) ++ranks;
  return ranks;
}

struct Curve {
  const char* name;
  Rate rate;
};

TEST(Elastic, EndsOnTheKneeWhereKubeMlGoesOn) {
  constexpr int kCores = 16;
  const std::vector<Curve> curves = {
      {"contended", contended}, {"flat", flat}, {"perfect", perfect}, {"much serial", much_serial}};
  for (const Curve& curve : curves) {
    const int knee = knee_of(curve.rate, kCores);
    const double samples = 4 * 3600 * curve.rate(1);
    const Replay ours = replay(curve.rate, kCores, samples);
    const Replay theirs = replay_kubeml(curve.rate, samples, samples / 200);
    // A change of less than 10% is not made, and a number that was skipped is interpolated: a
    // rank beside the knee is as good.
    EXPECT_LE(ours.ranks, knee + 1) << curve.name;
    EXPECT_GE(curve.rate(ours.ranks), 0.9 * curve.rate(knee)) << curve.name;
    EXPECT_LE(ours.changes, 6) << curve.name;
    if (curve.rate(kCores) < 1.5 * curve.rate(knee)) {
      EXPECT_GT(theirs.ranks, 2 * knee) << curve.name << ": it has no upper bound";
    }
    EXPECT_LE(ours.seconds, 4 * 3600 * 1.01) << curve.name << ": never slower than left alone";
  }
  // KubeML's rule costs time once ranks get in one another's way, ours does not.
  const double samples = 4 * 3600 * contended(1);
  EXPECT_LT(replay(contended, kCores, samples).seconds,
            0.9 * replay_kubeml(contended, samples, samples / 200).seconds);
}

TEST(Elastic, RemembersAChangeThatDidNotHelp) {
  // Two ranks are worse than one: they are tried once.
  const Rate worse = [](int ranks) { return ranks == 1 ? 100.0 : 80.0; };
  const Replay once = replay(worse, 8, 4 * 3600 * 100.0);
  EXPECT_EQ(once.ranks, 1);
  EXPECT_EQ(once.changes, 2) << "there and back";
}

}  // namespace
}  // namespace ringtrain::server
