// SPDX-License-Identifier: Apache-2.0
// ringtrain-count-parts PART TIMES [DATASET]: does one torch-free part of training so many times,
// inside the function ringtrain_counted_part(), which callgrind counts. Prints JSON with
// the allocations and page faults of the last time.
#include <fmt/format.h>

#include <cstdlib>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "benchmarks/counters/counts.hpp"
#include "datasets/reading/open.hpp"
#include "datasets/reading/order.hpp"
#include "datasets/reading/reader.hpp"
#include "job/parse.hpp"
#include "kernels/pack.hpp"
#include "kernels/sgd.hpp"
#include "kernels/sum.hpp"
#include "runtime/averaging/slab_layout.hpp"

// Not inlined, so that callgrind finds it.
extern "C" __attribute__((noinline)) void ringtrain_counted_part(
    const std::function<void()>* part) {
  (*part)();
}

namespace ringtrain::benchmarks {
namespace {

constexpr size_t kElements = 256 * 1024;

using Part = std::function<void()>;
using MakePart = std::function<Part(const std::string& dataset)>;

// Keeps the compiler from dropping work whose result nobody reads.
void keep(const void* result) { asm volatile("" : : "r"(result) : "memory"); }

struct Arrays {
  std::vector<std::vector<float>> of;
  explicit Arrays(size_t count) : of(count, std::vector<float>(kElements, 0.5F)) {}
  float* operator[](size_t i) { return of[i].data(); }
};

Part sum(const std::string& /*dataset*/) {
  const auto arrays = std::make_shared<Arrays>(5);
  return [arrays] {
    const float* const sources[] = {(*arrays)[0], (*arrays)[1], (*arrays)[2], (*arrays)[3]};
    kernels::sum(sources, (*arrays)[4], kElements);
  };
}

Part sgd(const std::string& /*dataset*/) {
  const auto arrays = std::make_shared<Arrays>(3);
  return [arrays] {
    kernels::sgd_step({.learning_rate = 0.01F, .momentum = 0.9F}, (*arrays)[0], (*arrays)[1],
                      (*arrays)[2], kElements);
  };
}

Part pack(const std::string& /*dataset*/) {
  const auto arrays = std::make_shared<Arrays>(2);
  return [arrays] { kernels::pack((*arrays)[0], (*arrays)[1], kElements, 0.5F); };
}

Part order(const std::string& /*dataset*/) {
  return [] {
    const datasets::EpochOrder order(60'000, 256, 128, 1, true, 3);
    uint64_t rows = 0;
    for (uint64_t position = 0; position < 60'000; ++position) rows += order.row(position);
    keep(&rows);
  };
}

Part slab(const std::string& /*dataset*/) {
  return [] {
    std::vector<size_t> sizes, arrival(160);
    for (size_t i = 0; i < arrival.size(); ++i) sizes.push_back(1000 + 977 * i);
    std::iota(arrival.rbegin(), arrival.rend(), 0);
    const SlabLayout layout(sizes, arrival);
    const auto buckets = cut_into_buckets(layout.elements(), 64 * 1024);
    keep(buckets.data());
  };
}

Part job(const std::string& /*dataset*/) {
  return [] {
    const std::string text =
        "model: resnet18\ndataset: data/mnist.h5\nbatch_size: 128\nepochs: 90\noptimizer:\n"
        "  type: sgd\n  learning_rate: 0.1\n  momentum: 0.9\noutput: out\n";
    const JobSpec spec = parse_job_text(text, "job.yaml");
    keep(&spec);
  };
}

// An epoch as one of two ranks reads it.
Part reader(const std::string& dataset) {
  const auto epoch = std::make_shared<uint64_t>(0);
  const auto rows = std::make_shared<datasets::Reader>(
      datasets::open_dataset(dataset), datasets::Split::train,
      datasets::ReaderOptions{
          .rank = 0, .world_size = 2, .batch_size = 64, .tier = datasets::Tier::in_memory});
  return [rows, epoch] {
    rows->start((*epoch)++);
    while (rows->next() != nullptr) {
    }
  };
}

const std::map<std::string, MakePart>& parts() {
  static const std::map<std::string, MakePart> all = {
      {"job", job}, {"order", order}, {"pack", pack}, {"reader", reader},
      {"sgd", sgd}, {"slab", slab},   {"sum", sum}};
  return all;
}

void run(const std::string& name, int times, const std::string& dataset) {
  const auto found = parts().find(name);
  if (found == parts().end() || times < 1) throw job_error(name + ": no part, or no times");
  const Part part = found->second(dataset);
  part();  // first touch of memory and lazy set-up
  Counts last;
  for (int i = 0; i < times; ++i) {
    const Counts before = counts_now();
    ringtrain_counted_part(&part);
    last = counts_now() - before;
  }
  const nlohmann::json json = {{"allocations", last.allocations},
                               {"page_faults", last.page_faults}};
  fmt::print("{}\n", json.dump());
}

}  // namespace
}  // namespace ringtrain::benchmarks

int main(int argc, char** argv) {
  if (argc < 3) {
    fmt::print(stderr, "usage: ringtrain-count-parts PART TIMES [DATASET]\n");
    return 2;
  }
  try {
    ringtrain::benchmarks::run(argv[1], std::atoi(argv[2]), argc > 3 ? argv[3] : "");
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "ringtrain-count-parts: {}\n", error.what());
    return ringtrain::exit_code_of(error);
  }
}
