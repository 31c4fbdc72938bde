// SPDX-License-Identifier: Apache-2.0
#include "runtime/averaging/gradient_schedule.hpp"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "collectives/node_group.hpp"
#include "runtime/averaging/parameter_space.hpp"

namespace ringtrain {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr size_t kElements = 100;
constexpr size_t kBucket = 40;

// Notes its calls; with shared slabs those of a node with one rank.
class NotingCollectives final : public Collectives {
 public:
  NotingCollectives(bool overlaps, bool shares)
      : overlaps_(overlaps),
        group_({}, collectives::SharedSlabs::bytes(kElements, collectives::Wire::fp32, 0)),
        slabs_(group_, kElements, collectives::Wire::fp32, 1),
        shares_(shares) {}

  int rank() const override { return 0; }
  int size() const override { return 1; }
  Slabs slabs() override {
    return {.gradients = slabs_.gradients(), .parameters = slabs_.parameters()};
  }
  collectives::SharedSlabs* shared_slabs() override { return shares_ ? &slabs_ : nullptr; }
  Range share(Range bucket) const override { return bucket; }
  bool overlaps() const override { return overlaps_; }
  std::string describe() const override { return "noting"; }

  void mark_written(Range bucket) override { marked.push_back(bucket.begin); }
  void reduce_scatter(std::span<const Range> buckets) override {
    for (const Range& bucket : buckets) summed.push_back(bucket.begin);
  }
  void all_gather(std::span<const Range>) override {}
  void broadcast() override {}
  void all_reduce(std::span<double>, Over) override {}
  void barrier() override {}

  std::vector<size_t> marked;  // buckets, by their begin
  std::vector<size_t> summed;  // read after wait() or drop()

 private:
  bool overlaps_;
  collectives::NodeGroup group_;
  collectives::SharedSlabs slabs_;
  bool shares_;
};

struct Parts {
  explicit Parts(bool overlaps, bool shares, bool adds_slabs)
      : collectives(overlaps, shares),
        thread(collectives),
        space(layout(), kBucket, collectives),
        schedule(make_gradient_schedule(space, thread, adds_slabs)) {
    space.buckets = {{0, 40}, {40, 80}, {80, kElements}};  // smaller ones than training has
  }
  static SlabLayout layout() {
    const std::vector<size_t> sizes = {kElements}, arrival = {0};
    return {sizes, arrival};
  }

  NotingCollectives collectives;
  CommunicationThread thread;
  ParameterSpace space;
  std::unique_ptr<GradientSchedule> schedule;
};

TEST(OverlappedSchedule, StartsTheSumOfABucketAsSoonAsItIsWritten) {
  Parts parts(true, false, true);
  parts.schedule->begin();
  for (size_t b = 0; b < 3; ++b) parts.schedule->written(b);
  const auto slabs = parts.schedule->wait(2);
  EXPECT_THAT(slabs, ElementsAre(parts.collectives.slabs().gradients));
  EXPECT_THAT(parts.collectives.marked, ElementsAre(0, 40, 80));
  EXPECT_THAT(parts.collectives.summed, ElementsAre(0, 40, 80));
}

TEST(OverlappedSchedule, MarksBucketsInACaptureAndStartsSumsAtTheReplay) {
  Parts parts(true, false, true);
  for (size_t b = 0; b < 3; ++b) parts.schedule->captured(b);
  parts.thread.barrier();
  EXPECT_THAT(parts.collectives.marked, ElementsAre(0, 40, 80));
  EXPECT_THAT(parts.collectives.summed, IsEmpty());
  parts.schedule->replayed();
  parts.schedule->wait(2);
  EXPECT_THAT(parts.collectives.marked, ElementsAre(0, 40, 80));
  EXPECT_THAT(parts.collectives.summed, ElementsAre(0, 40, 80));
}

TEST(OverlappedSchedule, WaitsForSumsThatAreDropped) {
  Parts parts(true, false, true);
  parts.schedule->begin();
  for (size_t b = 0; b < 3; ++b) parts.schedule->written(b);
  parts.schedule->drop();
  EXPECT_THAT(parts.collectives.summed, ElementsAre(0, 40, 80));
}

TEST(BulkSchedule, SumsInSharedMemoryWhenABucketIsNeeded) {
  Parts parts(false, true, false);
  parts.schedule->begin();
  for (size_t b = 0; b < 3; ++b) parts.schedule->written(b);
  const auto slabs = parts.schedule->wait(1);
  EXPECT_THAT(slabs, ElementsAre(parts.collectives.slabs().gradients));
  EXPECT_THAT(parts.collectives.marked, IsEmpty());
  EXPECT_THAT(parts.collectives.summed, IsEmpty()) << "no call waits for another rank";
}

TEST(BulkSchedule, GivesARankAloneItsOwnGradients) {
  Parts parts(false, false, true);
  EXPECT_THAT(parts.schedule->wait(0), ElementsAre(parts.collectives.slabs().gradients));
}

TEST(FusedSgdSchedule, GivesAllSlabsToAnUpdateThatAddsThem) {
  Parts parts(false, true, true);
  const auto slabs = parts.schedule->wait(0);
  EXPECT_THAT(slabs, ElementsAre(parts.collectives.shared_slabs()->all_gradients()[0]));
  EXPECT_EQ(slabs.data(), parts.collectives.shared_slabs()->all_gradients().data());
}

}  // namespace
}  // namespace ringtrain
