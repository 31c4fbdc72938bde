// SPDX-License-Identifier: Apache-2.0
#include "runtime/averaging/communication_thread.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <thread>
#include <vector>

#include "base/error.hpp"
#include "tests/throws_error.hpp"

namespace ringtrain {
namespace {

// Doubles all values, and notes the thread.
class DoublingCollectives final : public Collectives {
 public:
  explicit DoublingCollectives(bool overlaps) : overlaps_(overlaps), slab_(100, 1.0F) {}

  int rank() const override { return 0; }
  int size() const override { return 1; }
  Slabs slabs() override { return {.gradients = slab_.data(), .parameters = slab_.data()}; }
  Range share(Range bucket) const override { return bucket; }
  void reduce_scatter(std::span<const Range> buckets) override {
    threads.push_back(std::this_thread::get_id());
    for (const Range& bucket : buckets) {
      if (bucket.begin == fail_at) throw lost_error("a peer is gone");
      for (size_t i = bucket.begin; i < bucket.end; ++i) slab_[i] *= 2;
    }
  }
  void all_gather(std::span<const Range>) override {}
  void broadcast() override {}
  void all_reduce(std::span<double> values, Over) override {
    for (double& value : values) value *= 2;
  }
  void barrier() override {}
  bool overlaps() const override { return overlaps_; }
  std::string describe() const override { return "doubling"; }

  std::vector<std::thread::id> threads;
  size_t fail_at = 1000;

 private:
  bool overlaps_;
  std::vector<float> slab_;
};

std::vector<float> values_of(DoublingCollectives& collectives) {
  const float* slab = collectives.slabs().gradients;
  return {slab, slab + 100};
}

TEST(CommunicationThread, RunsCallsInOrderOnOneThreadOfItsOwn) {
  DoublingCollectives collectives(true);
  CommunicationThread thread(collectives);
  std::vector<Range> buckets;
  for (size_t i = 0; i < 100; i += 10) buckets.push_back({i, i + 10});
  std::vector<CommunicationThread::Ticket> tickets;
  for (const Range& bucket : buckets) tickets.push_back(thread.reduce_scatter({&bucket, 1}));
  for (const auto ticket : tickets) thread.wait(ticket);
  EXPECT_THAT(values_of(collectives), testing::Each(2.0F));
  EXPECT_EQ(collectives.threads.size(), buckets.size());
  EXPECT_THAT(collectives.threads, testing::Each(collectives.threads[0]));
  EXPECT_NE(collectives.threads[0], std::this_thread::get_id());
}

TEST(CommunicationThread, RunsCallsAtOnceWhereNothingOverlaps) {
  DoublingCollectives collectives(false);
  CommunicationThread thread(collectives);
  const Range bucket = {0, 10};
  thread.reduce_scatter({&bucket, 1});
  EXPECT_EQ(values_of(collectives)[0], 2.0F);
  EXPECT_THAT(collectives.threads, testing::ElementsAre(std::this_thread::get_id()));
}

TEST(CommunicationThread, SumsAfterAllEarlierCalls) {
  DoublingCollectives collectives(true);
  CommunicationThread thread(collectives);
  const Range bucket = {0, 100};
  thread.reduce_scatter({&bucket, 1});
  double value = 3;
  thread.all_reduce({&value, 1});
  EXPECT_EQ(value, 6);
  EXPECT_EQ(values_of(collectives)[99], 2.0F);
}

TEST(CommunicationThread, ThrowsAnErrorInTheNextCallThatWaitsAndRunsNothingAfterIt) {
  DoublingCollectives collectives(true);
  collectives.fail_at = 0;
  CommunicationThread thread(collectives);
  const std::vector<Range> buckets = {{0, 10}, {10, 20}};
  thread.reduce_scatter({&buckets[0], 1});
  const auto ticket = thread.reduce_scatter({&buckets[1], 1});
  EXPECT_THAT([&] { thread.wait(ticket); }, ThrowsError(ErrorKind::lost));
  double value = 1;
  EXPECT_THAT([&] { thread.all_reduce({&value, 1}); }, ThrowsError(ErrorKind::lost));
  EXPECT_EQ(values_of(collectives)[10], 1.0F);
}

// Destroying it must not wait for calls that have not started, and must not tear one that has.
TEST(CommunicationThread, EndsWithCallsStillWaiting) {
  DoublingCollectives collectives(true);
  const std::vector<Range> buckets(100, Range{0, 1});
  {
    CommunicationThread thread(collectives);
    for (const Range& bucket : buckets) thread.reduce_scatter({&bucket, 1});
  }
  const size_t calls = collectives.threads.size();
  EXPECT_LE(calls, buckets.size());
  EXPECT_EQ(values_of(collectives)[0], std::exp2(static_cast<float>(calls)));
}

}  // namespace
}  // namespace ringtrain
