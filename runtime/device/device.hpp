// SPDX-License-Identifier: Apache-2.0
// The device of a rank, apart from the model itself: memory, streams, and what a step loads and
// packs, by the kernels of the CPU or of CUDA.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "datasets/format/dataset_index.hpp"
#include "datasets/reading/reader.hpp"
#include "job/job_spec.hpp"
#include "kernels/element.hpp"
#include "kernels/normalise.hpp"
#include "kernels/stats.hpp"

namespace ringtrain {

// Work on a device that starts as a whole, again and again (a CUDA graph).
class Recording {
 public:
  virtual ~Recording() = default;
  // Starts all of it, on torch's current stream.
  virtual void replay() = 0;
};

// Pointers are memory of the device. Calls of the CUDA device are ordered on torch's current stream
// and return before the work is done, unless they return a value.
//
// Thread: any, one at a time.
// Errors: a lost error where the device fails.
class Device {
 public:
  virtual ~Device() = default;

  virtual at::Device torch() const = 0;
  virtual std::string name() const = 0;
  virtual std::shared_ptr<float[]> allocate_zeros(size_t elements) = 0;
  // Returns host memory that the device copies to fast: pinned, where the system allows it. Every
  // page has been touched, so that no step waits for page faults.
  virtual std::shared_ptr<float[]> allocate_host_zeros(size_t elements) {
    return allocate_zeros(elements);
  }
  virtual void fill_zero(void* out, size_t bytes) = 0;

  // Writes out = scale * gradient (dense, any strides) and tests it on the way. A GPU may put it
  // off until launch_packs() or collect_stats(), to start several at once.
  virtual void pack(const at::Tensor& gradient, float* out, float scale) = 0;
  virtual void pack(const at::Tensor& gradient, kernels::bf16* out, float scale) = 0;
  virtual void launch_packs() {}
  // Starts to bring a step's results to the host: `loss`, one double, and the findings of all calls
  // of pack() since the last collection.
  virtual void start_collecting(const at::Tensor& loss) = 0;
  // Starts to find out, on the device, whether what is being collected is of no use: a value that
  // is not finite, or a squared norm above `most`. Returns memory of the device that holds 1 then,
  // else 0, until the next collection; null where the host knows as soon. Requires:
  // start_collecting().
  virtual const int* start_judging(double /*most*/) { return nullptr; }
  // Waits for the results, but for no work that was started later, and returns the loss.
  virtual double collect_loss() = 0;
  // Returns the findings, in the order of the calls. Waits, unless collect_loss() did so before.
  virtual std::vector<kernels::GradientStats> collect_stats() = 0;

  // True if calls return while their work is under way, so that the host can prepare the next step
  // meanwhile.
  virtual bool runs_behind() const { return false; }

  // True if starting work one by one takes the host so long that record() pays.
  virtual bool records() const { return false; }
  // Records the work that `work` starts on the device, instead of running it. Tensors that it makes
  // and that the caller keeps hold the results of the latest replay. Throws an exception of `work`,
  // and c10::Error if the device cannot record it.
  //
  // Requires: `work` was run before with the same shapes; it neither waits for the device nor
  // copies from it.
  virtual std::unique_ptr<Recording> record(const std::function<void()>& /*work*/) {
    return nullptr;
  }
  // torch's current stream (a cudaStream_t); null on a CPU.
  virtual void* current_stream() const { return nullptr; }

  // Returns the batch as the model's input: floats [rows, channels, height, width], normalised by
  // the dataset's mean and std, and augmented. It is `into`, if that is defined, a dense tensor of
  // this shape; else it is valid until the call after the next. The samples may be read until the
  // call after the next returns, where runs_behind().
  virtual at::Tensor load(const datasets::DatasetIndex& dataset, const datasets::Batch& batch,
                          const kernels::Augment& augment, const at::Tensor& into) = 0;
  // Returns a dense tensor of the host's on the device: `into`, if that is defined, a tensor of its
  // shape and type; else on a CPU the tensor itself. Its memory may change once a GPU returns.
  virtual at::Tensor send(const at::Tensor& host, const at::Tensor& into) = 0;
};

// Returns the device that the job asks for. local_rank picks the GPU, which becomes the calling
// thread's current one. Throws a job error if there is none. `log` gets the reason why `auto` did
// not find one.
std::unique_ptr<Device> make_device(JobSpec::Device wanted, int local_rank,
                                    const std::function<void(const std::string&)>& log = {});

}  // namespace ringtrain
