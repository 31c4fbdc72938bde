// SPDX-License-Identifier: Apache-2.0
// ringtrain-bench-all-reduce: one rank of one round of `ringtrain bench allreduce`. Needs no torch.
// Rank 0 prints a JSON object.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <exception>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "benchmarks/all_reduce/contestants.hpp"
#include "benchmarks/all_reduce/link_rate.hpp"
#include "benchmarks/all_reduce/timing.hpp"

namespace ringtrain::benchmarks {
namespace {

// Small whole numbers, so that their sum is exact.
float value_of(int rank, size_t i) {
  return static_cast<float>(rank + 1) * static_cast<float>(i % 1000);
}

// Elements that are wrong, on all ranks together.
uint64_t check(const World& world, Contestant& contestant) {
  contestant.fill([&](size_t i) { return value_of(world.rank(), i); });
  contestant.all_reduce();
  const int ranks = world.size();
  return world.sum(contestant.wrong([&](size_t i) {
    return static_cast<float>(ranks) * static_cast<float>(ranks + 1) / 2 * value_of(0, i);
  }));
}

nlohmann::json time(const World& world, const std::string& name, Contestant& contestant,
                    size_t elements, double seconds) {
  const uint64_t wrong = check(world, contestant);
  // Written anew before every call, as gradients are: what others have read before is in no cache.
  const double time = seconds_per_call(
      world, [&] { contestant.clear(); }, [&] { contestant.all_reduce(); }, seconds);
  return {{"name", name}, {"bytes", elements * sizeof(float)}, {"seconds", time}, {"wrong", wrong}};
}

nlohmann::json run(const World& world, const std::vector<uint64_t>& sizes, double seconds) {
  const bool one_node = world.node().size() == world.size();
  nlohmann::json result = {{"ranks", world.size()}, {"rows", nlohmann::json::array()}};
  if (!one_node) result["link_bytes_per_second"] = link_rate(world, 1);
  for (const uint64_t bytes : sizes) {
    const size_t elements = bytes / sizeof(float);
    // One after the other, so that the largest sizes need the memory of one of them only.
    if (one_node) {
      const auto bound = make_memcpy_bound(world, elements);
      result["rows"].push_back(time(world, "memcpy", *bound, elements, seconds));
    }
    for (const Entry& entry : contestants(world)) {
      const auto contestant = entry.make(world, elements);
      result["rows"].push_back(time(world, entry.name, *contestant, elements, seconds));
    }
  }
  return result;
}

}  // namespace
}  // namespace ringtrain::benchmarks

int main(int argc, char** argv) {
  CLI::App app("One rank of `ringtrain bench allreduce`.", "ringtrain-bench-all-reduce");
  std::vector<uint64_t> sizes;
  double seconds = 0.2;
  app.add_option("--sizes", sizes, "Bytes, each a multiple of 4")->delimiter(',')->required();
  app.add_option("--seconds", seconds, "For each contestant and size");
  CLI11_PARSE(app, argc, argv);
  const ringtrain::World world;
  try {
    const nlohmann::json result = ringtrain::benchmarks::run(world, sizes, seconds);
    if (world.rank() == 0) fmt::print("{}\n", result.dump());
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "rank {}: {}\n", world.rank(), error.what());
    ringtrain::World::abort(4);
  }
}
