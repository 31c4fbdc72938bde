// SPDX-License-Identifier: Apache-2.0
// A GPU's device against the CPU's: the same batches, the same slab, the same findings.
#include "runtime/device/device_cuda.hpp"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "runtime/averaging/slab_view.hpp"
#include "runtime/device/device_cpu.hpp"

namespace ringtrain {
namespace {

constexpr size_t kRows = 37;

datasets::DatasetIndex pictures() {
  datasets::DatasetIndex dataset;
  dataset.element = datasets::ElementType::u8;
  dataset.shape = {3, 32, 32};
  dataset.mean = {0.4914F, 0.4822F, 0.4465F};
  dataset.std = {0.2470F, 0.2435F, 0.2616F};
  return dataset;
}

TEST(CudaDevice, LoadsBatchesAsTheCpuDoes) {
  const datasets::DatasetIndex dataset = pictures();
  std::vector<std::byte> bytes(kRows * dataset.row_bytes());
  std::vector<const std::byte*> samples;
  std::vector<int64_t> labels(kRows);
  CudaDevice gpu(0);
  CpuDevice cpu;
  for (uint64_t k = 0; k < 5; ++k) {  // more than there are pinned buffers
    for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 7 + k * 13);
    samples.clear();
    for (size_t row = 0; row < kRows; ++row) {
      samples.push_back(bytes.data() + row * dataset.row_bytes());
      labels[row] = static_cast<int64_t>(row + k);
    }
    const datasets::Batch batch = {.first_position = 100 * k,
                                   .rows = kRows,
                                   .x = bytes.data(),
                                   .samples = samples.data(),
                                   .y = labels.data()};
    const kernels::Augment augment = {
        .crop_padding = 4, .horizontal_flip = true, .seed = 1, .epoch = k};
    EXPECT_TRUE(torch::equal(gpu.load(dataset, batch, augment, {}).cpu(),
                             cpu.load(dataset, batch, augment, {})));
    const torch::Tensor host = torch::tensor(labels);
    EXPECT_TRUE(torch::equal(gpu.send(host, {}).cpu(), host));
    // A graph's tensors stay where they are.
    const torch::Tensor into = torch::empty({kRows, 3, 32, 32}, torch::TensorOptions(gpu.torch()));
    EXPECT_TRUE(gpu.load(dataset, batch, augment, into).is_same(into));
    EXPECT_TRUE(torch::equal(into.cpu(), cpu.load(dataset, batch, augment, {})));
  }
}

// More tensors than a launch takes, of all layouts, one with a NaN; twice, as in two steps.
TEST(CudaDevice, PacksGradientsAsTheCpuDoes) {
  constexpr size_t kTensors = 150;
  CudaDevice gpu(0);
  CpuDevice cpu;
  for (int step = 0; step < 2; ++step) {
    std::vector<torch::Tensor> gradients;
    size_t elements = 0;
    for (size_t k = 0; k < kTensors; ++k) {
      const auto rows = static_cast<int64_t>(1 + k * k % 300 * (step + 1));
      gradients.push_back(torch::randn({rows, 33}));
      if (k % 3 == 1) gradients.back() = gradients.back().t();
      elements += static_cast<size_t>(gradients.back().numel());
    }
    gradients[6].view(-1)[5] = std::numeric_limits<float>::quiet_NaN();
    const auto on_gpu = gpu.allocate_zeros(elements);
    const auto on_cpu = cpu.allocate_zeros(elements);
    size_t at = 0;
    for (const torch::Tensor& gradient : gradients) {
      gpu.pack(gradient.to(gpu.torch()), on_gpu.get() + at, 0.25F);
      cpu.pack(gradient, on_cpu.get() + at, 0.25F);
      at += static_cast<size_t>(gradient.numel());
    }
    gpu.launch_packs();
    const auto found = gpu.collect_stats();
    const auto expected = cpu.collect_stats();
    ASSERT_EQ(found.size(), expected.size());
    for (size_t k = 0; k < found.size(); ++k) {
      EXPECT_EQ(found[k].finite, expected[k].finite) << k;
      if (!expected[k].finite) continue;
      EXPECT_NEAR(found[k].squared_norm, expected[k].squared_norm,
                  1e-12 * expected[k].squared_norm);
    }
    EXPECT_TRUE(torch::allclose(view_of(on_gpu.get(), {0, elements}, gpu).cpu(),
                                view_of(on_cpu.get(), {0, elements}, cpu), 0, 0,
                                /*equal_nan=*/true));
  }
}

TEST(CudaDevice, ReplaysWhatItRecordedWithItsOwnNorms) {
  CudaDevice gpu(0);
  const auto slab = gpu.allocate_zeros(1000);
  torch::Tensor gradient = torch::full({1000}, 2.0F, torch::TensorOptions(gpu.torch()));
  const auto pack = [&] { gpu.pack(gradient, slab.get(), 1); };
  pack();
  EXPECT_EQ(gpu.collect_stats()[0].squared_norm, 4000);
  const auto graph = gpu.record(pack);
  gradient.fill_(3);
  // Eager packs grow their own arrays; the graph's stay where they are.
  const torch::Tensor large = torch::ones({10'000'000}, torch::TensorOptions(gpu.torch()));
  const auto large_slab = gpu.allocate_zeros(10'000'000);
  gpu.pack(large, large_slab.get(), 1);
  EXPECT_EQ(gpu.collect_stats()[0].squared_norm, 1e7);
  graph->replay();
  const auto stats = gpu.collect_stats();
  ASSERT_EQ(stats.size(), 1U);
  EXPECT_EQ(stats[0].squared_norm, 9000);
}

TEST(CudaDevice, JudgesWhatItCollects) {
  CudaDevice gpu(0);
  const auto on_gpu = torch::TensorOptions(gpu.torch());
  const auto slab = gpu.allocate_zeros(1000);
  const torch::Tensor loss = torch::ones({}, on_gpu.dtype(torch::kDouble));
  const float infinity = std::numeric_limits<float>::infinity();
  for (const auto& [value, expected] : {std::pair{1.0F, 0}, {10.0F, 1}, {infinity, 1}, {2.0F, 0}}) {
    gpu.pack(torch::full({100}, value, on_gpu), slab.get(), 1);
    gpu.pack(torch::full({50}, 1.0F, on_gpu), slab.get() + 112, 1);
    gpu.start_collecting(loss);
    const int* unusable = gpu.start_judging(/*most=*/1000);
    ASSERT_NE(unusable, nullptr);
    int found = -1;
    ASSERT_EQ(cudaMemcpy(&found, unusable, sizeof found, cudaMemcpyDeviceToHost), cudaSuccess);
    EXPECT_EQ(found, expected) << value;
    EXPECT_EQ(gpu.collect_loss(), 1);
    EXPECT_EQ(gpu.collect_stats().size(), 2U);
  }
}

TEST(CudaDevice, GivesHostMemoryThatIsZero) {
  CudaDevice gpu(0);
  const auto memory = gpu.allocate_host_zeros(1000);
  for (size_t i = 0; i < 1000; ++i) ASSERT_EQ(memory[static_cast<ptrdiff_t>(i)], 0);
}

}  // namespace
}  // namespace ringtrain
