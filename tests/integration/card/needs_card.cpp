// SPDX-License-Identifier: Apache-2.0
// Where there is no GPU, this program runs no test at all. scripts/gpu-check takes that for a
// failure.
#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

namespace ringtrain {
namespace {

class NeedsCard : public testing::Environment {
 public:
  void SetUp() override {
    int count = 0;
    const cudaError_t code = cudaGetDeviceCount(&count);
    if (code != cudaSuccess || count == 0) {
      GTEST_SKIP() << "no CUDA device: " << cudaGetErrorString(code);
    }
    ASSERT_EQ(cudaSetDevice(0), cudaSuccess);
  }
};

const auto* const kNeedsCard = testing::AddGlobalTestEnvironment(new NeedsCard);

}  // namespace
}  // namespace ringtrain
