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

constexpr int measurements = 15;
constexpr double seconds_per_measurement = 0.004;

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
    return std::max(1, static_cast<int>(seconds_per_measurement / seconds_of(work, 1)));
  };
  const int kernel_repeats = repeats_of(kernel.call);
  const int copy_repeats = repeats_of(copy);
  std::vector<double> kernel_seconds;
  std::vector<double> copy_seconds;
  for (int i = 0; i < measurements; ++i) {
    kernel_seconds.push_back(seconds_of(kernel.call, kernel_repeats));
    copy_seconds.push_back(seconds_of(copy, copy_repeats));
  }
  const double rate = kernel.bytes / median(kernel_seconds) / 1e9;
  const double copy_rate = kernel.bytes / median(copy_seconds) / 1e9;
  std::printf("%-28s %10.3f %10.1f %10.1f %8.2f\n", kernel.name.c_str(), kernel.bytes / 1048576,
              rate, copy_rate, rate / copy_rate);
}

void measure(double mib) {
  const auto n = static_cast<size_t>(mib * 1048576 / sizeof(float));
  const std::vector<float> first(n, 0.5F);
  const std::vector<float> second(n, 0.25F);
  const std::vector<float> third(n, 0.125F);
  const std::vector<bf16> wire(n, to_bf16(0.5F));
  std::vector<float> out(n);
  std::vector<bf16> wire_out(n);
  std::vector<float> parameters(n, 1.0F);
  std::vector<float> m(n);
  std::vector<float> v(n);
  const double floats = static_cast<double>(n) * sizeof(float);
  const double halves = static_cast<double>(n) * sizeof(bf16);

  const std::vector<const float*> two{first.data(), second.data()};
  const std::vector<const float*> three{first.data(), second.data(), third.data()};
  const std::vector<const float*> four{first.data(), second.data(), third.data(), m.data()};
  const std::vector<const float*> five{first.data(), second.data(), third.data(), m.data(),
                                       v.data()};
  const std::vector<const float*> own{out.data(), second.data()};
  const std::vector<const bf16*> two_wires{wire.data(), wire_out.data()};

  constexpr Image mnist{1, 28, 28};
  constexpr Image cifar{3, 32, 32};
  const std::vector<float> mean{0.4914F, 0.4822F, 0.4465F};
  const std::vector<float> deviation{0.2470F, 0.2435F, 0.2616F};
  const size_t digits = n / (size_t{28} * 28);
  const size_t pictures = n / (size_t{3} * 32 * 32);
  const std::vector<uint8_t> bytes(n, 100);
  const double pixels = static_cast<double>(digits) * 28 * 28;
  const double picture_pixels = static_cast<double>(pictures) * 3 * 32 * 32;

  const SgdStep sgd{.learning_rate = 0.01F, .momentum = 0.9F, .weight_decay = 5e-4F};
  const AdamwStep adamw{.learning_rate = 1e-3, .weight_decay = 0.01, .step = 10};
  const LarsStep lars{.learning_rate = 0.01F, .local_rate = 0.1F, .momentum = 0.9F};
  const Kernel kernels[] = {
      {"pack", 2 * floats, [&] { pack(first.data(), out.data(), n, 0.5F); }},
      {"pack to bf16", floats + halves, [&] { pack(first.data(), wire_out.data(), n, 0.5F); }},
      {"sum of 2", 3 * floats, [&] { sum(two, out.data(), n); }},
      {"sum of 2 into the first", 3 * floats, [&] { sum(own, out.data(), n); }},
      {"sum of 3", 4 * floats, [&] { sum(three, out.data(), n); }},
      {"sum of 4", 5 * floats, [&] { sum(four, out.data(), n); }},
      {"sum of 5", 6 * floats, [&] { sum(five, out.data(), n); }},
      {"pack, finite only", 2 * floats,
       [&] { pack(first.data(), out.data(), n, 0.5F, {}, Measure::finite); }},
      {"pack to bf16, finite only", floats + halves,
       [&] { pack(first.data(), wire_out.data(), n, 0.5F, {}, Measure::finite); }},
      {"sum of 2, finite only", 3 * floats, [&] { sum(two, out.data(), n, {}, Measure::finite); }},
      {"sum of 5, finite only", 6 * floats, [&] { sum(five, out.data(), n, {}, Measure::finite); }},
      {"sum of 2 in bf16, finite only", floats + 2 * halves,
       [&] { sum(two_wires, out.data(), n, {}, Measure::finite); }},
      {"sum of 2 in bf16", floats + 2 * halves, [&] { sum(two_wires, out.data(), n); }},
      {"sgd, momentum", 5 * floats,
       [&] { sgd_step(sgd, parameters.data(), first.data(), m.data(), n); }},
      {"adamw", 7 * floats,
       [&] { adamw_step(adamw, parameters.data(), first.data(), m.data(), v.data(), n); }},
      {"lars", 5 * floats, [&] { lars_step(lars, parameters.data(), first.data(), m.data(), n); }},
      {"squared norm", floats,
       [&] {
         const double norm = squared_norm(first.data(), n);
         keep(&norm);
       }},
      {"normalise digits", pixels * 5,
       [&] {
         input_batch(bytes.data(), out.data(), digits, mnist, std::span(mean).first(1),
                     std::span(deviation).first(1));
       }},
      {"crop, flip 32x32 pictures", picture_pixels * 5,
       [&] {
         input_batch(bytes.data(), out.data(), pictures, cifar, mean, deviation, {4, true, 1, 1});
       }},
  };
  for (const Kernel& kernel : kernels) {
    // A batch smaller than one sample has nothing to measure.
    if (kernel.bytes > 0) compare_with_memcpy(kernel);
  }
}

}  // namespace
}  // namespace ringtrain::benchmarks

int main(int argc, char** argv) {
  std::vector<double> sizes;
  for (int i = 1; i < argc; ++i) sizes.push_back(std::atof(argv[i]));
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
