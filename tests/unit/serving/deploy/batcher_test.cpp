// SPDX-License-Identifier: Apache-2.0
#include "serving/deploy/batcher.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <semaphore>
#include <stdexcept>

namespace ringtrain::serving {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using std::chrono::milliseconds;
using End = BatchResult::End;

// A model of rows of one byte, whose output is the byte doubled. It refuses rows of 13. Each batch
// waits until the test lets it go, so that what comes meanwhile must wait.
class BatcherTest : public ::testing::Test {
 protected:
  void make(const BatchLimits& limits) {
    batcher_ = std::make_unique<Batcher>(
        limits, 1, [this](auto samples) { return compute(samples); },
        [this] { return ServingTime(milliseconds(now_)); });
  }

  std::vector<float> compute(std::span<const std::byte* const> samples) {
    begun_.release();
    go_.acquire();
    batches_.push_back(samples.size());
    std::vector<float> outputs;
    for (const std::byte* sample : samples) {
      if (*sample == std::byte{13}) throw std::runtime_error("no thirteen");
      outputs.push_back(static_cast<float>(2 * std::to_integer<int>(*sample)));
    }
    return outputs;
  }

  std::future<BatchResult> submit(const std::vector<int>& rows, int deadline = 1000,
                                  Batcher::Admission expected = Batcher::Admission::accepted) {
    auto bytes = std::make_shared<std::vector<std::byte>>();
    for (const int row : rows) bytes->push_back(static_cast<std::byte>(row));
    auto promise = std::make_shared<std::promise<BatchResult>>();
    auto result = promise->get_future();
    EXPECT_EQ(batcher_->submit(
                  {.rows = static_cast<uint32_t>(rows.size()),
                   .samples = bytes->data(),
                   .deadline = ServingTime(milliseconds(deadline)),
                   .done = [promise,
                            bytes](BatchResult found) { promise->set_value(std::move(found)); }}),
              expected);
    return result;
  }

  // Submits a request, and returns once it is being computed, which lasts until go().
  std::future<BatchResult> occupy() {
    auto result = submit({1});
    begun_.acquire();
    return result;
  }
  void go(int batches = 100) { go_.release(batches); }

  std::counting_semaphore<> begun_{0};
  std::counting_semaphore<> go_{0};
  std::vector<size_t> batches_;  // rows of each
  std::atomic<int> now_{0};
  std::unique_ptr<Batcher> batcher_;
};

TEST_F(BatcherTest, AnIdleExecutorTakesARequestAtOnce) {
  make({});
  go();
  EXPECT_THAT(submit({5}).get().outputs, ElementsAre(10));
  EXPECT_THAT(batches_, ElementsAre(1));
}

TEST_F(BatcherTest, RowsThatComeWhileItIsBusyAreOneBatchAndEachGetsItsOwnAnswer) {
  make({});
  auto first = occupy();
  auto second = submit({2, 3});
  auto third = submit({4});
  EXPECT_EQ(batcher_->waiting_rows(), 4U);
  go();
  EXPECT_THAT(first.get().outputs, ElementsAre(2));
  EXPECT_THAT(second.get().outputs, ElementsAre(4, 6));
  const BatchResult found = third.get();
  EXPECT_THAT(found.outputs, ElementsAre(8));
  EXPECT_EQ(found.batch_rows, 3U);
  EXPECT_THAT(batches_, ElementsAre(1, 3));
}

TEST_F(BatcherTest, ARequestOfManyRowsIsSplitAndRowsAreCountedNotRequests) {
  make({.max_batch = 4});
  auto first = occupy();
  auto second = submit({1, 2, 3, 4, 5, 6});
  auto third = submit({7, 8, 9});
  go();
  EXPECT_THAT(second.get().outputs, ElementsAre(2, 4, 6, 8, 10, 12));
  EXPECT_THAT(third.get().outputs, ElementsAre(14, 16, 18));
  batcher_.reset();
  EXPECT_THAT(batches_, ElementsAre(1, 4, 4, 1));
}

TEST_F(BatcherTest, RowsThatTheModelRefusesHarmNoOthers) {
  make({});
  auto first = occupy();
  auto second = submit({2});
  auto bad = submit({3, 13});
  auto third = submit({4});
  go();
  EXPECT_THAT(second.get().outputs, ElementsAre(4));
  EXPECT_THAT(third.get().outputs, ElementsAre(8));
  const BatchResult found = bad.get();
  EXPECT_EQ(found.end, End::failed);
  EXPECT_THAT(found.error, HasSubstr("no thirteen"));
  EXPECT_THAT(found.outputs, IsEmpty());
}

TEST_F(BatcherTest, TheRestOfARefusedRequestIsNotComputed) {
  make({.max_batch = 2});
  auto first = occupy();
  auto bad = submit({13, 1, 2, 3, 4, 5});
  auto next = submit({6});
  go();
  EXPECT_EQ(bad.get().end, End::failed);
  EXPECT_THAT(next.get().outputs, ElementsAre(12));
  batcher_.reset();
  EXPECT_THAT(batches_, Each(testing::Le(2U)));
  EXPECT_LE(batches_.size(), 4U);
}

TEST_F(BatcherTest, MoreRowsThanMayWaitAreRefusedAtOnce) {
  make({.max_batch = 2, .max_waiting = 4});
  auto first = occupy();
  auto second = submit({1, 2, 3});
  submit({4}, 1000, Batcher::Admission::full);
  go();
  EXPECT_THAT(second.get().outputs, ElementsAre(2, 4, 6));
  first.get();
}

TEST_F(BatcherTest, ARequestWhoseDeadlinePassesWhileItWaitsIsNotComputed) {
  make({});
  auto first = occupy();
  auto late = submit({2}, 50);
  auto other = submit({3}, 5000);
  now_ = 100;
  go();
  EXPECT_EQ(late.get().end, End::late);
  EXPECT_THAT(other.get().outputs, ElementsAre(6));
  batcher_.reset();
  EXPECT_THAT(batches_, ElementsAre(1, 1));
}

TEST_F(BatcherTest, ADeadlineThatTheQueueCannotMakeIsRefusedAtOnce) {
  make({.max_batch = 1});
  auto first = occupy();
  submit({3}, -1, Batcher::Admission::too_late);
  now_ = 100;  // the first batch takes 100 ms
  go(1);
  first.get();
  auto second = occupy();
  submit({3}, 150, Batcher::Admission::too_late);
  auto third = submit({4}, 250);
  EXPECT_NEAR(batcher_->expected_wait(), 0.2, 1e-6);
  go();
  EXPECT_THAT(second.get().outputs, ElementsAre(2));
  EXPECT_THAT(third.get().outputs, ElementsAre(8));
}

TEST_F(BatcherTest, ItEndsWithTheLastRequestThatItAccepted) {
  make({});
  auto first = occupy();
  auto second = submit({2});
  go();
  batcher_.reset();
  EXPECT_EQ(first.get().end, End::done);
  EXPECT_THAT(second.get().outputs, ElementsAre(4));
}

}  // namespace
}  // namespace ringtrain::serving
