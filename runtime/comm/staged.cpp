// SPDX-License-Identifier: Apache-2.0
#include "runtime/comm/staged.hpp"

#include <cuda_runtime_api.h>

#include <algorithm>
#include <string>
#include <utility>

#include "kernels/cuda_check.hpp"
#include "kernels/pinned_range.hpp"
#include "runtime/comm/gpu_queue.hpp"

namespace ringtrain {
namespace {

using kernels::check_cuda;
using kernels::cuda::PinnedRange;

class StagedCollectives final : public Collectives {
 public:
  StagedCollectives(std::unique_ptr<Collectives> host, const DeviceMemory& memory, size_t elements)
      : host_(std::move(host)),
        host_slabs_(host_->slabs()),
        elements_(elements),
        pinned_gradients_(host_slabs_.gradients, elements * sizeof(float)),
        pinned_sums_(host_slabs_.parameters, elements * sizeof(float)),
        gradients_(memory.allocate_zeros(elements)),
        parameters_(memory.allocate_zeros(elements)),
        queue_(memory) {}

  int rank() const override { return host_->rank(); }
  int size() const override { return host_->size(); }
  Slabs slabs() override {
    return {.gradients = gradients_.get(), .parameters = parameters_.get()};
  }
  bool overlaps() const override { return true; }
  std::string describe() const override { return "host memory for GPUs: " + host_->describe(); }

  // Every rank has parameters of its own and updates all of them.
  Range share(Range bucket) const override { return bucket; }
  void all_gather(std::span<const Range>) override {}

  void broadcast() override {
    queue_.make_device_current();
    const Range all{0, elements_};
    if (rank() == 0) copy(host_slabs_.parameters, parameters_.get(), all, cudaMemcpyDeviceToHost);
    host_->broadcast();
    copy(parameters_.get(), host_slabs_.parameters, all, cudaMemcpyHostToDevice);
    host_->barrier();  // before any rank writes sums there
  }

  void mark_written(Range bucket) override { queue_.mark_written(bucket); }

  // The host's shared copy of the parameters holds the sums: each rank writes its share of them,
  // then takes them all.
  //
  // No rank writes what another still reads: a rank reaches the next barrier after its copies, and
  // there is a barrier between two sums in one place.
  void reduce_scatter(std::span<const Range> buckets) override {
    queue_.make_device_current();
    for (const Range& bucket : buckets) {
      queue_.wait_until_written(bucket);
      copy(host_slabs_.gradients, gradients_.get(), bucket, cudaMemcpyDeviceToHost);
      host_->reduce_scatter({&bucket, 1});
      const Range mine = host_->share(bucket);
      std::copy_n(host_slabs_.gradients + mine.begin, mine.size(),
                  host_slabs_.parameters + mine.begin);
      host_->all_gather({&bucket, 1});
      copy(gradients_.get(), host_slabs_.parameters, bucket, cudaMemcpyHostToDevice);
    }
  }

  void all_reduce(std::span<double> values, Over over) override {
    if (over == Over::ranks) host_->all_reduce(values, over);
  }
  void barrier() override { host_->barrier(); }

 private:
  void copy(float* to, const float* from, Range range, cudaMemcpyKind kind) {
    check_cuda(cudaMemcpyAsync(to + range.begin, from + range.begin, range.size() * sizeof(float),
                               kind, queue_.stream()));
    check_cuda(cudaStreamSynchronize(queue_.stream()));
  }

  std::unique_ptr<Collectives> host_;
  Slabs host_slabs_;
  size_t elements_;
  PinnedRange pinned_gradients_;
  PinnedRange pinned_sums_;
  std::shared_ptr<float[]> gradients_;
  std::shared_ptr<float[]> parameters_;
  GpuQueue queue_;
};

}  // namespace

std::unique_ptr<Collectives> make_staged_collectives(std::unique_ptr<Collectives> host,
                                                     const DeviceMemory& memory, size_t elements) {
  return std::make_unique<StagedCollectives>(std::move(host), memory, elements);
}

}  // namespace ringtrain
