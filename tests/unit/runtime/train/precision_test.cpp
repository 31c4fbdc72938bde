// SPDX-License-Identifier: Apache-2.0
#include "runtime/train/precision.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "runtime/device/device_cpu.hpp"
#include "tests/throws_error.hpp"

namespace ringtrain {
namespace {

using Precision = JobSpec::Precision;

// A device that only says what it is.
class Gpu final : public CpuDevice {
 public:
  at::Device torch() const override { return {at::kCUDA, 0}; }
};

Precision on(const Device& device, Precision wanted) {
  JobSpec job;
  job.precision = wanted;
  return precision_on(device, job);
}

TEST(Precision, IsFp32OnCpusAndTf32OnGpusUnlessTheJobSaysOtherwise) {
  EXPECT_EQ(on(CpuDevice(), Precision::automatic), Precision::fp32);
  EXPECT_EQ(on(Gpu(), Precision::automatic), Precision::tf32);
  for (const Precision wanted : {Precision::fp32, Precision::bf16}) {
    EXPECT_EQ(on(CpuDevice(), wanted), wanted);
    EXPECT_EQ(on(Gpu(), wanted), wanted);
  }
  EXPECT_EQ(on(Gpu(), Precision::tf32), Precision::tf32);
}

TEST(Precision, OfGpusAloneIsRefusedOnACpu) {
  EXPECT_THAT([] { on(CpuDevice(), Precision::tf32); },
              ThrowsError(ErrorKind::job, testing::HasSubstr("tf32 is for GPUs")));
}

TEST(Precision, SetsBothKindsOfProductsOnAGpu) {
  for (const bool tf32 : {true, false}) {
    JobSpec job;
    job.precision = tf32 ? Precision::automatic : Precision::fp32;
    set_arithmetic(Gpu(), job);
    EXPECT_EQ(at::globalContext().allowTF32CuDNN(), tf32);
    EXPECT_EQ(at::globalContext().allowTF32CuBLAS(), tf32);
    EXPECT_FALSE(at::globalContext().deterministicCuDNN());
    EXPECT_TRUE(at::globalContext().benchmarkCuDNN());
  }
  JobSpec job;
  job.deterministic = true;
  set_arithmetic(Gpu(), job);
  EXPECT_TRUE(at::globalContext().deterministicCuDNN());
  EXPECT_FALSE(at::globalContext().benchmarkCuDNN());
  EXPECT_TRUE(at::globalContext().deterministicAlgorithms());
  at::globalContext().setDeterministicCuDNN(false);
  at::globalContext().setDeterministicAlgorithms(false, false);
}

}  // namespace
}  // namespace ringtrain
