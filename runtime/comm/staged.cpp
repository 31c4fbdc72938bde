// SPDX-License-Identifier: Apache-2.0
#include "runtime/comm/staged.hpp"

#include <cuda_runtime_api.h>

#include <algorithm>
#include <string>
#include <utility>

#include "runtime/comm/cuda_handles.hpp"

namespace ringtrain {
namespace {

// Host memory that the device copies to and from by itself. Where it cannot be pinned (a
// locked-memory limit), copies still work, by way of CUDA's own buffers.
class Pinned {
 public:
  Pinned(float* memory, size_t elements) : memory_(memory) {
    if (elements == 0) return;
    pinned_ =
        cudaHostRegister(memory, elements * sizeof(float), cudaHostRegisterDefault) == cudaSuccess;
    if (!pinned_) cudaGetLastError();  // forgotten: it is no failure of what comes next
  }
  ~Pinned() {
    if (pinned_) cudaHostUnregister(memory_);
  }
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;

 private:
  float* memory_;
  bool pinned_ = false;
};

class StagedCommunicator final : public Communicator {
 public:
  StagedCommunicator(std::unique_ptr<Communicator> host, const DeviceMemory& memory,
                     size_t elements)
      : host_(std::move(host)),
        elements_(elements),
        pinned_gradients_(host_->gradients(), elements),
        pinned_sums_(host_->parameters(), elements),
        gradients_(memory.allocate_zeros(elements)),
        parameters_(memory.allocate_zeros(elements)),
        stream_(make_stream()),
        written_(memory.current_stream) {
    check_cuda(cudaGetDevice(&device_));
  }

  bool is_first() const override { return host_->is_first(); }
  float* gradients() override { return gradients_.get(); }
  float* parameters() override { return parameters_.get(); }

  void spread_parameters() override {
    check_cuda(cudaSetDevice(device_));
    const Range all{0, elements_};
    if (is_first()) copy(host_->parameters(), parameters_.get(), all, cudaMemcpyDeviceToHost);
    host_->spread_parameters();
    copy(parameters_.get(), host_->parameters(), all, cudaMemcpyHostToDevice);
    wait_for_all();  // before anybody writes sums there
  }

  // Every rank has parameters of its own and updates all of them.
  Range share(Range bucket) const override { return bucket; }
  void publish(std::span<const Range>) override {}
  void sum_over_shares(std::span<double>) override {}

  void written(Range bucket) override { written_.note(bucket); }

  // The host's ranks have no parameters there, so their shared copy holds the sums: each rank
  // writes its share of them, then takes them all.
  //
  // Nobody writes to what another still reads: a rank comes to the next barrier when its copies are
  // made, and between two sums in one place there is one.
  void reduce(Range bucket) override {
    check_cuda(cudaSetDevice(device_));  // of this thread
    written_.order(stream_.get(), bucket);
    copy(host_->gradients(), gradients_.get(), bucket, cudaMemcpyDeviceToHost);
    if (!host_->overlaps()) wait_for_all();  // else its reduce() does
    host_->reduce(bucket);
    const Range mine = host_->share(bucket);
    std::copy_n(host_->gradients() + mine.begin, mine.size(), host_->parameters() + mine.begin);
    host_->publish({&bucket, 1});
    copy(gradients_.get(), host_->parameters(), bucket, cudaMemcpyHostToDevice);
  }

  void sum(std::span<double> values) override { host_->sum(values); }
  bool overlaps() const override { return true; }
  std::string describe() const override { return "host memory for GPUs: " + host_->describe(); }

 private:
  void copy(float* to, const float* from, Range range, cudaMemcpyKind kind) {
    check_cuda(cudaMemcpyAsync(to + range.begin, from + range.begin, range.size() * sizeof(float),
                               kind, stream_.get()));
    check_cuda(cudaStreamSynchronize(stream_.get()));
  }

  void wait_for_all() {
    double nothing = 0;
    host_->sum({&nothing, 1});
  }

  std::unique_ptr<Communicator> host_;
  size_t elements_;
  Pinned pinned_gradients_;
  Pinned pinned_sums_;
  std::shared_ptr<float[]> gradients_;
  std::shared_ptr<float[]> parameters_;
  int device_ = 0;
  Stream stream_;
  WrittenBuckets written_;
};

}  // namespace

std::unique_ptr<Communicator> make_staged_communicator(std::unique_ptr<Communicator> host,
                                                       const DeviceMemory& memory,
                                                       size_t elements) {
  return std::make_unique<StagedCommunicator>(std::move(host), memory, elements);
}

}  // namespace ringtrain
