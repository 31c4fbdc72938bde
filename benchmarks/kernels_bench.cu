// SPDX-License-Identifier: Apache-2.0
// The share of the card's memory rate that each CUDA kernel reaches:
//
//   kernels_cuda_bench [MiB per array]      (default: 256)
//
// A kernel's rate counts every byte that it has to read or write once. Beside it stands a
// device-to-device copy moving as many bytes, timed in turn with it; both are medians of CUDA
// events.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <vector>

#include "base/statistics.hpp"
#include "kernels/cuda_array.hpp"
#include "kernels/normalise_cuda.hpp"
#include "kernels/optimizers_cuda.hpp"
#include "kernels/pack_cuda.hpp"
#include "kernels/sum_cuda.hpp"

namespace ringtrain::benchmarks {
namespace {

using namespace kernels;

using cuda::DeviceArray;

constexpr int kMeasurements = 25;

class Timer {
 public:
  Timer() {
    check_cuda(cudaEventCreate(&start_));
    check_cuda(cudaEventCreate(&end_));
  }
  double seconds_of(const std::function<void()>& work) {
    check_cuda(cudaEventRecord(start_));
    work();
    check_cuda(cudaEventRecord(end_));
    check_cuda(cudaEventSynchronize(end_));
    float milliseconds = 0;
    check_cuda(cudaEventElapsedTime(&milliseconds, start_, end_));
    return milliseconds * 1e-3;
  }

 private:
  cudaEvent_t start_ = nullptr;
  cudaEvent_t end_ = nullptr;
};

void compare_with_copy(const char* name, double bytes, const std::function<void()>& kernel) {
  const auto copied = static_cast<size_t>(bytes / 2);
  const DeviceArray<char> from(copied);
  const DeviceArray<char> to(copied);
  const auto copy = [&] {
    check_cuda(cudaMemcpyAsync(to.data(), from.data(), copied, cudaMemcpyDeviceToDevice));
  };
  kernel();
  copy();
  Timer timer;
  std::vector<double> kernel_seconds;
  std::vector<double> copy_seconds;
  for (int i = 0; i < kMeasurements; ++i) {
    kernel_seconds.push_back(timer.seconds_of(kernel));
    copy_seconds.push_back(timer.seconds_of(copy));
  }
  const double rate = bytes / median(kernel_seconds) / 1e9;
  const double copy_rate = bytes / median(copy_seconds) / 1e9;
  std::printf("%-28s %10.1f %10.1f %10.1f %8.2f\n", name, bytes / 1048576, rate, copy_rate,
              rate / copy_rate);
}

// The gradients of a ResNet-18 as a step packs them: 62 tensors of 64 to 2.4 million elements, in
// launches of a bucket of 25 MiB each, then their norms.
void measure_resnet18(const DeviceArray<float>& gradients, const DeviceArray<float>& slab,
                      const DeviceArray<double>& partials,
                      const DeviceArray<cuda::DeviceStats>& stats) {
  std::vector<size_t> sizes = {64 * 27, 64, 64, 10 * 512, 10};
  size_t inputs = 64;
  for (const size_t width : {64UL, 128UL, 256UL, 512UL}) {
    for (int block = 0; block < 2; ++block) {
      sizes.insert(sizes.end(),
                   {width * inputs * 9, width, width, width * width * 9, width, width});
      if (inputs != width) sizes.insert(sizes.end(), {width * inputs, width, width});
      inputs = width;
    }
  }
  constexpr size_t kBucket = 25 * (1 << 20) / sizeof(float);
  std::vector<std::vector<cuda::PackPart<float>>> launches(1);
  std::vector<uint32_t> ends;
  size_t at = 0, in_bucket = 0;
  for (const size_t n : sizes) {
    if (at + n > gradients.size() || sizes.size() > stats.size())
      return;  // small arrays were asked for
    if (in_bucket + n > kBucket) {
      launches.emplace_back();
      in_bucket = 0;
    }
    launches.back().push_back({gradients.data() + at, slab.data() + at, n});
    ends.push_back((ends.empty() ? 0 : ends.back()) + static_cast<uint32_t>(cuda::chunks_of(n)));
    at += (n + 15) / 16 * 16;
    in_bucket += n;
  }
  compare_with_copy(
      "pack and norms, ResNet-18", 2.0 * sizeof(float) * static_cast<double>(at), [&] {
        size_t first = 0;
        for (const auto& parts : launches) {
          cuda::pack(parts, 0.5F, partials.data() + (first == 0 ? 0 : ends[first - 1]), nullptr);
          first += parts.size();
        }
        cuda::sum_partials(partials.data(), ends, stats.data(), nullptr);
      });
}

void measure(double mib) {
  const auto n = static_cast<size_t>(mib * 1048576 / sizeof(float));
  const std::vector<float> host(n, 0.5F);
  const DeviceArray<float> gradients(host);
  const DeviceArray<float> parameters(host);
  const DeviceArray<float> m(host);
  const DeviceArray<float> v(host);
  const DeviceArray<bf16> wire(n);
  const DeviceArray<double> partials(cuda::chunks_of(n) + 64);
  const DeviceArray<cuda::DeviceStats> stats(64);
  const double floats = static_cast<double>(n) * sizeof(float);

  const cuda::PackPart<float> to_float = {gradients.data(), m.data(), n};
  compare_with_copy("pack", 2 * floats, [&] {
    cuda::pack({&to_float, 1}, 0.5F, partials.data(), nullptr);
  });
  const cuda::PackPart<bf16> to_bf16 = {gradients.data(), wire.data(), n};
  compare_with_copy("pack to bf16", 1.5 * floats, [&] {
    cuda::pack({&to_bf16, 1}, 0.5F, partials.data(), nullptr);
  });
  measure_resnet18(gradients, m, partials, stats);
  const size_t quarter = n / 4 / 64 * 64;
  compare_with_copy("sum of 4 parts of bf16", (4 * 2 + 4 + 2) * static_cast<double>(quarter), [&] {
    cuda::sum_parts(wire.data(), 4, quarter, quarter, m.data(), wire.data(), nullptr);
  });
  compare_with_copy("bf16 to float", 1.5 * floats,
                    [&] { cuda::widen(wire.data(), n, m.data(), nullptr); });
  compare_with_copy("squared norm", floats, [&] {
    cuda::squared_norm(gradients.data(), n, partials.data(), stats.data(), nullptr);
  });
  const SgdStep sgd = {.learning_rate = 1e-6F, .momentum = 0.9F};
  compare_with_copy("sgd, momentum", 5 * floats, [&] {
    cuda::sgd_step(sgd, parameters.data(), gradients.data(), m.data(), n, nullptr);
  });
  const AdamwStep adamw = {.learning_rate = 1e-6, .step = 10};
  compare_with_copy("adamw", 7 * floats, [&] {
    cuda::adamw_step(adamw, parameters.data(), gradients.data(), m.data(), v.data(), n, nullptr);
  });
  const LarsStep lars = {.learning_rate = 1e-6F, .momentum = 0.9F};
  compare_with_copy("lars", 5 * floats, [&] {
    cuda::lars_step(lars, parameters.data(), gradients.data(), m.data(), n, nullptr);
  });

  const size_t rows = n / (3 * 32 * 32);
  const DeviceArray<uint8_t> samples(std::vector<uint8_t>(n, 100));
  const DeviceArray<NormaliseElement> channels(
      std::vector<NormaliseElement>(3, normalise_element(0.5F, 0.25F, 255)));
  const double pixels = static_cast<double>(rows) * 3 * 32 * 32;
  compare_with_copy("normalise 32x32 pictures", 5 * pixels, [&] {
    cuda::input_batch(samples.data(), m.data(), rows, {3, 32, 32}, channels.data(), {}, nullptr);
  });
  compare_with_copy("crop, flip 32x32 pictures", 5 * pixels, [&] {
    cuda::input_batch(samples.data(), m.data(), rows, {3, 32, 32}, channels.data(),
                      {{4, true, 1, 1}, 0}, nullptr);
  });
}

}  // namespace
}  // namespace ringtrain::benchmarks

int main(int argc, char** argv) {
  const double mib = argc > 1 ? std::atof(argv[1]) : 256;
  if (mib <= 0) {
    std::fprintf(stderr, "usage: kernels_cuda_bench [MiB per array]\n");
    return 2;
  }
  try {
    cudaDeviceProp card{};
    ringtrain::kernels::check_cuda(cudaGetDeviceProperties(&card, 0));
    std::printf("%s, arrays of %g MiB\n%-28s %10s %10s %10s %8s\n", card.name, mib, "kernel",
                "MiB moved", "GB/s", "copy", "ratio");
    ringtrain::benchmarks::measure(mib);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "kernels_cuda_bench: %s\n", error.what());
    return 4;
  }
}
