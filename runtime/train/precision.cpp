// SPDX-License-Identifier: Apache-2.0
#include "runtime/train/precision.hpp"

#include <ATen/Context.h>
#include <stdlib.h>

#include "base/error.hpp"

namespace ringtrain {

using Precision = JobSpec::Precision;

Precision precision_on(const Device& device, const JobSpec& job) {
  const bool gpu = device.torch().is_cuda();
  if (job.precision == Precision::automatic) return gpu ? Precision::tf32 : Precision::fp32;
  if (job.precision == Precision::tf32 && !gpu) {
    throw job_error("precision: tf32 is for GPUs, and this is a CPU: leave it out, or set fp32");
  }
  return job.precision;
}

void set_arithmetic(const Device& device, const JobSpec& job) {
  if (!device.torch().is_cuda()) return;
  at::Context& context = at::globalContext();
  // libtorch's own choice is TF32 for convolutions and fp32 for matrix products.
  const bool tf32 = precision_on(device, job) != Precision::fp32;
  context.setAllowTF32CuDNN(tf32);
  context.setAllowTF32CuBLAS(tf32);
  // Batches have few sizes: cuDNN may try its algorithms for each of them once.
  context.setBenchmarkCuDNN(!job.deterministic);
  if (!job.deterministic) return;
  context.setDeterministicCuDNN(true);
  // libtorch warns of operators that have no deterministic form.
  context.setDeterministicAlgorithms(true, /*warn_only=*/true);
  context.setDeterministicFillUninitializedMemory(false);
  // cuBLAS keeps to one algorithm with a workspace of fixed size. NCCL's trees and NVLink switches
  // add up in an order of their own. Settings of the user have precedence.
  setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
  setenv("NCCL_ALGO", "Ring", /*overwrite=*/0);
}

}  // namespace ringtrain
