// SPDX-License-Identifier: Apache-2.0
// Whether a wait on an event that a graph records waits for the graph's latest launch. Sums over
// ranks rely on it: were it not so, they would be of the step before, without any error.
#include <ATen/cuda/Sleep.h>
#include <cuda_runtime_api.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <barrier>
#include <thread>

#include "kernels/cuda_check.hpp"
#include "runtime/comm/gpu_queue.hpp"
#include "runtime/device/device_cuda.hpp"

namespace ringtrain {
namespace {

using kernels::check_cuda;

TEST(ExternalEvents, AreWaitedForInTheLatestReplay) {
  constexpr int kReplays = 1000;
  constexpr int64_t kCycles = 2'000'000;  // about a millisecond
  const Range bucket = {0, 1};
  CudaDevice device(0);
  GpuQueue queue({.cuda = true, .allocate_zeros = {}, .current_stream = [&] {
                    return device.current_stream();
                  }});
  torch::Tensor counter =
      torch::zeros({1}, torch::TensorOptions(device.torch()).dtype(torch::kInt));
  const auto count = [&](int64_t cycles) {
    at::cuda::sleep(cycles);
    counter.add_(1);
    queue.mark_written(bucket);
  };
  count(1);  // loads the kernels, which a capture could not wait for
  const auto graph = device.record([&] { count(kCycles); });
  counter.zero_();

  std::barrier launched(2), copied(2);
  int wrong = 0;
  std::thread communication([&] {
    queue.make_device_current();
    for (int k = 1; k <= kReplays; ++k) {
      launched.arrive_and_wait();
      queue.wait_until_written(bucket);
      int seen = 0;
      check_cuda(cudaMemcpyAsync(&seen, counter.data_ptr<int>(), sizeof seen,
                                 cudaMemcpyDeviceToHost, queue.stream()));
      check_cuda(cudaStreamSynchronize(queue.stream()));
      if (seen != k) ++wrong;
      copied.arrive_and_wait();
    }
  });
  for (int k = 1; k <= kReplays; ++k) {
    graph->replay();
    launched.arrive_and_wait();
    copied.arrive_and_wait();
  }
  communication.join();
  EXPECT_EQ(wrong, 0) << "of " << kReplays;
}

}  // namespace
}  // namespace ringtrain
