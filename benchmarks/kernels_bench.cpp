// SPDX-License-Identifier: Apache-2.0
// What each host kernel reaches of the memory's rate, on one core:
//
//   kernels_bench [MiB per array ...]
//
// The default is 0.0625 4 64: in the core's cache, in the chip's, in neither.
//
// A kernel's rate counts every byte that it has to read or write once. Beside it stands memcpy
// moving as many bytes, timed in turn with it; both are medians. Nothing else should run on the
// machine.
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/statistics.hpp"
#include "kernels/adamw.hpp"
#include "kernels/lars.hpp"
#include "kernels/normalise.hpp"
#include "kernels/pack.hpp"
#include "kernels/sgd.hpp"
#include "kernels/sum.hpp"

namespace ringtrain::benchmarks {
namespace {

using namespace kernels;

constexpr int kMeasurements = 15;
constexpr double kSecondsPerMeasurement = 0.004;

// Keeps the compiler from dropping work whose result nobody reads.
void keep(const void* result) { asm volatile("" : : "r"(result) : "memory"); }

// Seconds of this thread on a core: whoever else wants the core does not count.
double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double seconds_of(const std::function<void()>& work, int repeats) {
  const double start = thread_seconds();
  for (int i = 0; i < repeats; ++i) work();
  return (thread_seconds() - start) / repeats;
}

struct Kernel {
  std::string name;
  double bytes;  // read and written by one call
  std::function<void()> call;
};

void compare_with_memcpy(const Kernel& kernel) {
  const auto copied = static_cast<size_t>(kernel.bytes / 2);
  const std::vector<char> from(copied, 1);
  std::vector<char> to(copied, 2);
  const auto copy = [&] {
    std::memcpy(to.data(), from.data(), copied);
    keep(to.data());
  };
  const auto repeats_of = [](const std::function<void()>& work) {
    work();
    return std::max(1, static_cast<int>(kSecondsPerMeasurement / seconds_of(work, 1)));
  };
  const int kernel_repeats = repeats_of(kernel.call);
  const int copy_repeats = repeats_of(copy);
  std::vector<double> kernel_seconds;
  std::vector<double> copy_seconds;
  for (int i = 0; i < kMeasurements; ++i) {
    kernel_seconds.push_back(seconds_of(kernel.call, kernel_repeats));
    copy_seconds.push_back(seconds_of(copy, copy_repeats));
  }
  const double rate = kernel.bytes / median(kernel_seconds) / 1e9;
  const double copy_rate = kernel.bytes / median(copy_seconds) / 1e9;
  std::printf("%-28s %10.3f %10.1f %10.1f %8.2f\n", kernel.name.c_str(), kernel.bytes / 1048576,
              rate, copy_rate, rate / copy_rate);
}

// Arrays of n elements that kernels work on.
struct Arrays {
  explicit Arrays(size_t size) : n(size) {}

  size_t n;
  std::vector<float> first = std::vector<float>(n, 0.5F);
  std::vector<float> second = std::vector<float>(n, 0.25F);
  std::vector<float> third = std::vector<float>(n, 0.125F);
  std::vector<bf16> wire = std::vector<bf16>(n, to_bf16(0.5F));
  std::vector<uint8_t> bytes = std::vector<uint8_t>(n, 100);
  std::vector<float> out = std::vector<float>(n);
  std::vector<bf16> wire_out = std::vector<bf16>(n);
  std::vector<float> parameters = std::vector<float>(n, 1.0F);
  std::vector<float> m = std::vector<float>(n);
  std::vector<float> v = std::vector<float>(n);
  double floats = static_cast<double>(n) * sizeof(float);
  double halves = static_cast<double>(n) * sizeof(bf16);
};

std::vector<Kernel> packs_and_sums(Arrays& a) {
  constexpr Measure kAll = Measure::norm_and_finite;
  constexpr Measure kFinite = Measure::finite;
  const auto pack_to = [&a](auto& out, Measure what) {
    return [&a, &out, what] { pack(a.first.data(), out.data(), a.n, 0.5F, {}, what); };
  };
  const auto sum_of = [&a](const auto& sources, Measure what) {
    return [&a, sources, what] { sum(sources, a.out.data(), a.n, {}, what); };
  };
  using Floats = std::vector<const float*>;
  const Floats two{a.first.data(), a.second.data()};
  const Floats three{a.first.data(), a.second.data(), a.third.data()};
  const Floats four{a.first.data(), a.second.data(), a.third.data(), a.m.data()};
  const Floats five{a.first.data(), a.second.data(), a.third.data(), a.m.data(), a.v.data()};
  const Floats own{a.out.data(), a.second.data()};
  const std::vector<const bf16*> two_wires{a.wire.data(), a.wire_out.data()};
  return {
      {"pack", 2 * a.floats, pack_to(a.out, kAll)},
      {"pack to bf16", a.floats + a.halves, pack_to(a.wire_out, kAll)},
      {"pack, finite only", 2 * a.floats, pack_to(a.out, kFinite)},
      {"pack to bf16, finite only", a.floats + a.halves, pack_to(a.wire_out, kFinite)},
      {"sum of 2", 3 * a.floats, sum_of(two, kAll)},
      {"sum of 2 into the first", 3 * a.floats, sum_of(own, kAll)},
      {"sum of 3", 4 * a.floats, sum_of(three, kAll)},
      {"sum of 4", 5 * a.floats, sum_of(four, kAll)},
      {"sum of 5", 6 * a.floats, sum_of(five, kAll)},
      {"sum of 2, finite only", 3 * a.floats, sum_of(two, kFinite)},
      {"sum of 5, finite only", 6 * a.floats, sum_of(five, kFinite)},
      {"sum of 2 in bf16", a.floats + 2 * a.halves, sum_of(two_wires, kAll)},
      {"sum of 2 in bf16, finite only", a.floats + 2 * a.halves, sum_of(two_wires, kFinite)},
  };
}

std::vector<Kernel> updates(Arrays& a) {
  static constexpr SgdStep kSgd{.learning_rate = 0.01F, .momentum = 0.9F, .weight_decay = 5e-4F};
  static constexpr AdamwStep kAdamw{.learning_rate = 1e-3, .weight_decay = 0.01, .step = 10};
  static constexpr LarsStep kLars{.learning_rate = 0.01F, .local_rate = 0.1F, .momentum = 0.9F};
  return {
      {"sgd, momentum", 5 * a.floats,
       [&a] { sgd_step(kSgd, a.parameters.data(), a.first.data(), a.m.data(), a.n); }},
      {"adamw", 7 * a.floats,
       [&a] {
         adamw_step(kAdamw, a.parameters.data(), a.first.data(), a.m.data(), a.v.data(), a.n);
       }},
      {"lars", 5 * a.floats,
       [&a] { lars_step(kLars, a.parameters.data(), a.first.data(), a.m.data(), a.n); }},
      {"squared norm", a.floats,
       [&a] {
         const double norm = squared_norm(a.first.data(), a.n);
         keep(&norm);
       }},
  };
}

std::vector<Kernel> inputs(Arrays& a) {
  static const std::vector<float> kMean{0.4914F, 0.4822F, 0.4465F};
  static const std::vector<float> kDeviation{0.2470F, 0.2435F, 0.2616F};
  static constexpr Image kDigit{1, 28, 28};
  static constexpr Image kPicture{3, 32, 32};
  const size_t digits = a.n / kDigit.elements();
  const size_t pictures = a.n / kPicture.elements();
  return {
      {"normalise digits", static_cast<double>(digits * kDigit.elements()) * 5,
       [&a, digits] {
         input_batch(a.bytes.data(), a.out.data(), digits, kDigit, std::span(kMean).first(1),
                     std::span(kDeviation).first(1));
       }},
      {"crop, flip 32x32 pictures", static_cast<double>(pictures * kPicture.elements()) * 5,
       [&a, pictures] {
         input_batch(a.bytes.data(), a.out.data(), pictures, kPicture, kMean, kDeviation,
                     {4, true, 1, 1});
       }},
  };
}

void measure(double mib) {
  Arrays arrays(static_cast<size_t>(mib * 1048576 / sizeof(float)));
  for (const auto& kernels : {packs_and_sums(arrays), updates(arrays), inputs(arrays)}) {
    for (const Kernel& kernel : kernels) {
      // A batch smaller than one sample has nothing to measure.
      if (kernel.bytes > 0) compare_with_memcpy(kernel);
    }
  }
}

}  // namespace
}  // namespace ringtrain::benchmarks

int main(int argc, char** argv) {
  std::vector<double> sizes;
  for (int i = 1; i < argc; ++i) sizes.push_back(std::strtod(argv[i], nullptr));
  if (sizes.empty()) sizes = {0.0625, 4, 64};
  if (*std::min_element(sizes.begin(), sizes.end()) <= 0) {
    std::fprintf(stderr, "usage: kernels_bench [MiB per array ...]\n");
    return 2;
  }
  std::printf("%-28s %10s %10s %10s %8s\n", "kernel", "MiB moved", "GB/s", "memcpy", "ratio");
  for (const double mib : sizes) {
    std::printf("-- arrays of %g MiB of floats\n", mib);
    ringtrain::benchmarks::measure(mib);
  }
}
