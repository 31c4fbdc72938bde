// SPDX-License-Identifier: Apache-2.0
// The backends for GPU ranks, over the stand-ins for CUDA and NCCL in gpus_on_cpu.cpp and
// nccl_on_mpi.cpp.
#include <algorithm>
#include <cstring>
#include <functional>
#include <vector>

#include "runtime/averaging/slab_layout.hpp"
#include "runtime/comm/host_collectives.hpp"
#include "runtime/comm/nccl.hpp"
#include "runtime/comm/staged.hpp"
#include "tests/integration/comm/backend_suite.hpp"
#include "tests/integration/comm/streams_on_cpu.hpp"

namespace ringtrain {

void copy_bytes(void* to, const void* from, size_t bytes) { std::memcpy(to, from, bytes); }

namespace {

constexpr auto kBf16 = CommOptions::Wire::bf16;

// Every rank's device is its third, so that a thread that does not choose it is found out. stream:
// on which gradients are written.
DeviceMemory memory(cudaStream_t stream = nullptr) {
  cudaSetDevice(2);
  return {.cuda = true,
          .allocate_zeros = [](size_t n) { return std::shared_ptr<float[]>(new float[n]()); },
          .current_stream = [stream] { return static_cast<void*>(stream); }};
}

Case nccl(const std::string& name, const CommOptions& options = {}) {
  return {name, options, [](const World& world, const CommOptions& with_timeout, size_t elements) {
            return make_nccl_collectives(world, with_timeout, memory(), elements);
          }};
}

Case staged(const std::string& name, int ranks_per_node) {
  return {name, {}, [=](const World& world, const CommOptions& options, size_t elements) {
            const int node = ranks_per_node == 0 ? 0 : world.rank() / ranks_per_node;
            auto host =
                std::make_unique<HostCollectives>(world, world.split(node), options, elements);
            return make_staged_collectives(std::move(host), memory(), elements);
          }};
}

INSTANTIATE_TEST_SUITE_P(
    Gpu, BackendTest,
    testing::Values(nccl("Nccl"), nccl("NcclBf16", {.wire = kBf16}),
                    nccl("NcclSharded", {.shard_optimizer = true}),
                    nccl("NcclShardedBf16", {.wire = kBf16, .shard_optimizer = true}),
                    staged("StagedOnOneNode", 0), staged("StagedOnTwoRanksPerNode", 2)),
    [](const auto& test) { return test.param.name; });

// Gradients that a captured graph writes, late, again and again: every sum must be that of its own
// replay.
class ReplayTest : public testing::Test {
 protected:
  static constexpr size_t kElements = 50'000;
  const World& world = test_world();

  void expect_sums_of_each_replay(const CommOptions& options, bool with_nccl) {
    CUstream_st torch;
    const DeviceMemory device = memory(&torch);
    torch.device = current_gpu();
    const auto collectives =
        with_nccl ? make_nccl_collectives(world, options, device, kElements)
                  : make_staged_collectives(std::make_unique<HostCollectives>(world, world.split(0),
                                                                              options, kElements),
                                            device, kElements);
    CommunicationThread thread(*collectives);
    const auto buckets = cut_into_buckets(kElements, 20'000);
    std::vector<std::function<void()>> graph;
    torch.graph = &graph;
    for (const Range& bucket : buckets) collectives->mark_written(bucket);
    torch.graph = nullptr;
    for (int replay = 0; replay < 20; ++replay) {
      const auto gradients = values_of(world.rank() + replay, kElements);
      then(&torch, [&] { write(collectives->slabs(), gradients); });
      for (const auto& node : graph) node();
      std::vector<CommunicationThread::Ticket> tickets;
      for (const Range& bucket : buckets) tickets.push_back(thread.reduce_scatter({&bucket, 1}));
      for (const auto ticket : tickets) thread.wait(ticket);
      for (size_t i = 0; i < kElements; ++i) {
        double expected = 0;
        for (int r = 0; r < world.size(); ++r) expected += value(r + replay, i);
        ASSERT_NEAR(collectives->slabs().gradients[i], expected, 0.01 * (replay + 8)) << replay;
      }
      thread.barrier();
    }
  }
};

// Batch statistics are summed within a graph, on its own stream, while buckets are summed beside
// it.
TEST_F(ReplayTest, SumsWithinAnNcclGraph) {
  constexpr size_t kStatistics = 1001;
  const Range bucket = {0, kElements};
  CUstream_st torch;
  const DeviceMemory device = memory(&torch);
  torch.device = current_gpu();
  const auto collectives = make_nccl_collectives(world, {}, device, kElements);
  const auto stream_sum = collectives->make_stream_sum();
  ASSERT_NE(stream_sum, nullptr);
  CommunicationThread thread(*collectives);
  std::vector<float> statistics(kStatistics);
  std::vector<std::function<void()>> graph;
  torch.graph = &graph;
  stream_sum->start(statistics.data(), kStatistics);
  collectives->mark_written(bucket);
  stream_sum->start(statistics.data(), kStatistics);  // as the next layer's, of what came before
  torch.graph = nullptr;
  const auto ranks = static_cast<double>(world.size());
  for (int replay = 0; replay < 20; ++replay) {
    const int first = world.rank() + replay;
    then(&torch, [&] {
      std::ranges::copy(values_of(first, kStatistics), statistics.begin());
      write(collectives->slabs(), values_of(first, kElements));
    });
    for (const auto& node : graph) node();
    const auto ticket = thread.reduce_scatter({&bucket, 1});
    ASSERT_EQ(cudaStreamSynchronize(&torch), cudaSuccess);
    thread.wait(ticket);
    for (size_t i = 0; i < kElements; i += 7) {
      double expected = 0;
      for (int r = 0; r < world.size(); ++r) expected += value(r + replay, i);
      ASSERT_NEAR(collectives->slabs().gradients[i], expected, 1e-4 * (replay + 8)) << replay;
      if (i >= kStatistics) continue;
      ASSERT_NEAR(statistics[i], ranks * expected, 1e-3 * (replay + 8)) << replay;
    }
    thread.barrier();
  }
}

TEST_F(ReplayTest, HasNoSumsWithinAStagedGraph) {
  const auto staged = make_staged_collectives(
      std::make_unique<HostCollectives>(world, world.split(0), CommOptions{}, 100), memory(), 100);
  EXPECT_EQ(staged->make_stream_sum(), nullptr);
}

TEST_F(ReplayTest, SumsWhatANcclGraphWrites) { expect_sums_of_each_replay({}, true); }
TEST_F(ReplayTest, SumsWhatAStagedGraphWrites) { expect_sums_of_each_replay({}, false); }

}  // namespace
}  // namespace ringtrain
