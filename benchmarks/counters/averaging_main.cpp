// SPDX-License-Identifier: Apache-2.0
// ringtrain-count-averaging [STEPS]: what averaging of 1 MiB of gradients does in a step, counted
// by every rank that mpirun starts. Rank 0 prints JSON: sums over the ranks, a step.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <exception>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "benchmarks/counters/counts.hpp"
#include "runtime/averaging/communication_thread.hpp"
#include "runtime/averaging/slab_layout.hpp"
#include "runtime/comm/check_mpi.hpp"
#include "runtime/comm/host_collectives.hpp"

namespace ringtrain::benchmarks {
namespace {

using Algorithm = CommOptions::Algorithm;

constexpr size_t kElements = 256 * 1024;
constexpr size_t kBucket = 64 * 1024;
constexpr int kWarmUp = 5;

struct Way {
  std::string name;
  CommOptions options;
  bool one_host = false;
};

const std::vector<Way>& ways() {
  static const std::vector<Way> all = {
      {"shared memory", {}, true},
      {"direct", {.algorithm = Algorithm::direct}},
      {"ring", {.algorithm = Algorithm::ring}},
      {"bf16", {.algorithm = Algorithm::ring, .wire = CommOptions::Wire::bf16}},
      {"shard_optimizer", {.algorithm = Algorithm::ring, .shard_optimizer = true}}};
  return all;
}

// Averages as a step of training does, on the communication thread where there is one.
void step(CommunicationThread& thread, const std::vector<Range>& buckets) {
  std::vector<CommunicationThread::Ticket> tickets;
  const bool shared = thread.collectives().shared_slabs() != nullptr;
  for (size_t b = 0; b < buckets.size() && !shared; ++b) {
    tickets.push_back(thread.reduce_scatter({&buckets[b], 1}));
  }
  std::array<double, 6> agreed = {};
  thread.all_reduce(agreed);
  for (const Range& bucket : buckets) {
    if (shared) thread.reduce_shared(bucket);
  }
  for (const auto ticket : tickets) thread.wait(ticket);
  thread.all_gather(buckets);
}

// The least page faults of a step: the first touch of a page is no part of averaging.
struct Found {
  Counts all;
  int64_t fewest_faults = 0;
};

Found count(const World& world, const Way& way, int steps) {
  const MpiGroup host = world.split(way.one_host ? 0 : world.rank());
  HostCollectives collectives(world, host, way.options, kElements);
  CommunicationThread thread(collectives);
  const std::vector<Range> buckets = cut_into_buckets(kElements, kBucket);
  for (int i = 0; i < kWarmUp; ++i) step(thread, buckets);
  Found found;
  found.fewest_faults = INT64_MAX;
  const Counts before = counts_now();
  for (int i = 0; i < steps; ++i) {
    const Counts start = counts_now();
    step(thread, buckets);
    found.fewest_faults = std::min(found.fewest_faults, (counts_now() - start).page_faults);
  }
  found.all = counts_now() - before;
  return found;
}

nlohmann::json run(const World& world, int steps) {
  nlohmann::json rows = nlohmann::json::array();
  for (const Way& way : ways()) {
    const Found mine = count(world, way, steps);
    std::array<int64_t, 5> sums = {mine.all.messages, mine.all.message_bytes, mine.all.gathers,
                                   mine.all.allocations, mine.fewest_faults * steps};
    check_mpi(MPI_Allreduce(MPI_IN_PLACE, sums.data(), sums.size(), MPI_INT64_T, MPI_SUM,
                            world.all().get()));
    rows.push_back({{"name", way.name},
                    {"messages", sums[0] / steps},
                    {"message_bytes", sums[1] / steps},
                    {"gathers", sums[2] / steps},
                    {"allocations", sums[3] / steps},
                    {"page_faults", sums[4] / steps}});
  }
  return {{"ranks", world.size()}, {"gradient_bytes", kElements * sizeof(float)}, {"rows", rows}};
}

}  // namespace
}  // namespace ringtrain::benchmarks

int main(int argc, char** argv) {
  const int steps = argc > 1 ? std::atoi(argv[1]) : 20;
  if (steps < 1) {
    fmt::print(stderr, "usage: ringtrain-count-averaging [STEPS]\n");
    return 2;
  }
  const ringtrain::World world;
  try {
    const nlohmann::json result = ringtrain::benchmarks::run(world, steps);
    if (world.rank() == 0) fmt::print("{}\n", result.dump());
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "rank {}: {}\n", world.rank(), error.what());
    ringtrain::World::abort(4);
  }
}
