// SPDX-License-Identifier: Apache-2.0
// What a step does on the rank's device, apart from the model itself: the kernels/ of the CPU or of
// CUDA.
#pragma once

#include <torch/torch.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "datasets/format/plan.hpp"
#include "datasets/reading/reader.hpp"
#include "job/job_spec.hpp"
#include "kernels/adamw.hpp"
#include "kernels/lars.hpp"
#include "kernels/normalise.hpp"
#include "kernels/sgd.hpp"
#include "kernels/stats.hpp"

namespace ringtrain {

// Work that a device was told of once and starts as a whole, again and again (a CUDA graph).
class Recording {
 public:
  virtual ~Recording() = default;
  // Starts all of it, on torch's current stream.
  virtual void replay() = 0;
};

// Pointers are memory of the device. Calls of the CUDA device are ordered on torch's current stream
// and return before they are done, but for those that return a value.
class Device {
 public:
  virtual ~Device() = default;

  virtual torch::Device torch() const = 0;
  virtual std::string name() const = 0;
  virtual std::shared_ptr<float[]> allocate_zeros(size_t elements) = 0;

  // out = scale * gradient (dense, any strides), tested on the way: collect_stats() tells what was
  // found.
  virtual void pack(const torch::Tensor& gradient, float* out, float scale) = 0;
  virtual void pack(const torch::Tensor& gradient, kernels::bf16* out, float scale) = 0;
  // What the calls of pack() since the last collection have found, in their order: once a step,
  // since it waits for the device.
  virtual std::vector<kernels::GradientStats> collect_stats() = 0;
  virtual void fill_zero(void* out, size_t bytes) = 0;

  virtual double squared_norm(const float* values, size_t n) = 0;
  virtual void sgd_step(const kernels::SgdStep&, float* parameters, const float* gradients,
                        float* momentum, size_t n) = 0;
  virtual void adamw_step(const kernels::AdamwStep&, float* parameters, const float* gradients,
                          float* m, float* v, size_t n) = 0;
  virtual void lars_step(const kernels::LarsStep&, float* parameters, const float* gradients,
                         float* momentum, size_t n) = 0;

  // True where record() is worth the trouble: where starting work one by one takes the host time.
  virtual bool records() const { return false; }
  // What `work` starts on the device, recorded instead of run. It must have been run before, with
  // the same shapes, and may neither wait for the device nor copy from it. Tensors that it made and
  // that the caller keeps hold the results of the latest replay. Throws what `work` throws, and
  // c10::Error where the device cannot record it.
  virtual std::unique_ptr<Recording> record(const std::function<void()>& /*work*/) {
    return nullptr;
  }
  // torch's current stream (a cudaStream_t); null on a CPU.
  virtual void* current_stream() const { return nullptr; }

  // The batch as the model takes it: floats [rows, channels, height, width], normalised by the
  // dataset's mean and std, augmented as told. Valid until the call after the next.
  virtual torch::Tensor load(const datasets::Plan& plan, const datasets::Batch& batch,
                             const kernels::Augment& augment) = 0;
  // The batch's labels [rows], int64. Valid as long as the batch.
  virtual torch::Tensor load_labels(const datasets::Batch& batch) = 0;
};

// The device that the job asks for; local_rank picks the GPU, which becomes the calling thread's
// current one. Throws a job error where there is none. `log` is told why `auto` did not find one.
std::unique_ptr<Device> make_device(JobSpec::Device wanted, int local_rank,
                                    const std::function<void(const std::string&)>& log = {});

}  // namespace ringtrain
