// SPDX-License-Identifier: Apache-2.0
#include "runtime/averaging/communication_thread.hpp"

#include <gmock/gmock.h>

#include <thread>
#include <vector>

#include "base/error.hpp"
#include "tests/throws_error.hpp"

namespace ringtrain {
namespace {

// Doubles what it is given, on the thread that it notes.
class DoublingCommunicator final : public Communicator {
 public:
  explicit DoublingCommunicator(bool overlaps) : overlaps_(overlaps), slab_(100, 1.0F) {}

  bool is_first() const override { return true; }
  float* gradients() override { return slab_.data(); }
  float* parameters() override { return slab_.data(); }
  Range share(Range bucket) const override { return bucket; }
  void reduce(Range bucket) override {
    threads.push_back(std::this_thread::get_id());
    if (bucket.begin == fail_at) throw lost_error("a peer is gone");
    for (size_t i = bucket.begin; i < bucket.end; ++i) slab_[i] *= 2;
  }
  void spread_parameters() override {}
  void publish(std::span<const Range>) override {}
  void sum(std::span<double> values) override {
    for (double& value : values) value *= 2;
  }
  void sum_over_shares(std::span<double> values) override { sum(values); }
  bool overlaps() const override { return overlaps_; }
  std::string describe() const override { return "doubling"; }

  std::vector<std::thread::id> threads;
  size_t fail_at = 1000;

 private:
  bool overlaps_;
  std::vector<float> slab_;
};

TEST(Exchange, RunsCallsInOrderOnOneThreadOfItsOwn) {
  DoublingCommunicator communicator(true);
  Exchange exchange(communicator);
  std::vector<Exchange::Ticket> tickets;
  for (size_t i = 0; i < 100; i += 10) tickets.push_back(exchange.reduce({i, i + 10}));
  for (const auto ticket : tickets) exchange.wait(ticket);
  EXPECT_THAT(std::vector<float>(communicator.gradients(), communicator.gradients() + 100),
              testing::Each(2.0F));
  EXPECT_THAT(communicator.threads, testing::Each(communicator.threads[0]));
  EXPECT_NE(communicator.threads[0], std::this_thread::get_id());
}

TEST(Exchange, RunsCallsAtOnceWhereNothingOverlaps) {
  DoublingCommunicator communicator(false);
  Exchange exchange(communicator);
  exchange.reduce({0, 10});
  EXPECT_EQ(communicator.gradients()[0], 2.0F);
  EXPECT_THAT(communicator.threads, testing::ElementsAre(std::this_thread::get_id()));
}

TEST(Exchange, SumsAfterWhatWasHandedOverBefore) {
  DoublingCommunicator communicator(true);
  Exchange exchange(communicator);
  exchange.reduce({0, 100});
  double value = 3;
  exchange.sum({&value, 1});
  EXPECT_EQ(value, 6);
  EXPECT_EQ(communicator.gradients()[99], 2.0F);
}

TEST(Exchange, HandsAnErrorToWhoeverWaitsNextAndRunsNothingAfterIt) {
  DoublingCommunicator communicator(true);
  communicator.fail_at = 0;
  Exchange exchange(communicator);
  exchange.reduce({0, 10});
  const auto ticket = exchange.reduce({10, 20});
  EXPECT_THAT([&] { exchange.wait(ticket); }, ThrowsError(ErrorKind::lost));
  double value = 1;
  EXPECT_THAT([&] { exchange.sum({&value, 1}); }, ThrowsError(ErrorKind::lost));
  EXPECT_EQ(communicator.gradients()[10], 1.0F);
}

TEST(Exchange, EndsWithCallsStillWaiting) {
  DoublingCommunicator communicator(true);
  Exchange exchange(communicator);
  for (int i = 0; i < 100; ++i) exchange.reduce({0, 1});
}

}  // namespace
}  // namespace ringtrain
