// SPDX-License-Identifier: Apache-2.0
#include "runtime/comm/nccl.hpp"

#include <cuda_runtime_api.h>
#include <fmt/format.h>
#include <nccl.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "base/round_up.hpp"
#include "base/text.hpp"
#include "kernels/cuda_array.hpp"
#include "kernels/cuda_check.hpp"
#include "kernels/sum_cuda.hpp"
#include "runtime/comm/gpu_places.hpp"
#include "runtime/comm/gpu_queue.hpp"
#include "runtime/comm/nccl_comm.hpp"
#include "runtime/comm/nccl_stream_sum.hpp"

namespace ringtrain {
namespace {

using kernels::bf16;
using kernels::check_cuda;
using kernels::cuda::DeviceArray;

constexpr size_t kMultiple = 64;         // elements, of chunks
constexpr size_t kScratchValues = 4096;  // doubles that one all-reduce of small values takes

struct FreeNccl {
  void operator()(void* slab) const { ncclMemFree(slab); }
};
template <class Element>
using NcclSlab = std::unique_ptr<Element, FreeNccl>;

// Returns memory that NCCL can register with the network and with NVLink switches, zeroed.
template <class Element>
NcclSlab<Element> allocate_zeros(size_t elements) {
  void* memory = nullptr;
  const size_t bytes = std::max<size_t>(elements, 1) * sizeof(Element);
  check_nccl(ncclMemAlloc(&memory, bytes));
  NcclSlab<Element> slab(static_cast<Element*>(memory));
  check_cuda(cudaMemset(memory, 0, bytes));
  check_cuda(cudaDeviceSynchronize());
  return slab;
}

// NCCL reads the variable once, when it starts. A user's own setting has precedence.
void choose_algorithm(const CommOptions& options) {
  using Algorithm = CommOptions::Algorithm;
  if (options.algorithm == Algorithm::direct) {
    throw job_error("communication.algorithm: direct is for CPU ranks; use ring or auto with NCCL");
  }
  if (options.algorithm == Algorithm::ring) setenv("NCCL_ALGO", "Ring", 0);
}

// Checks that have to come before anything is allocated.
const CommOptions& checked(const CommOptions& options, const World& world) {
  refuse_shared_gpus(world);
  choose_algorithm(options);
  return options;
}

class NcclCollectives final : public Collectives {
 public:
  NcclCollectives(const World& world, const CommOptions& options, const DeviceMemory& memory,
                  size_t elements)
      : world_(world),
        timeout_(options.timeout_seconds),
        current_stream_(memory.current_stream),
        elements_(elements),
        shard_(checked(options, world).shard_optimizer),
        ring_(options.algorithm == CommOptions::Algorithm::ring),
        gradients_(allocate_zeros<float>(elements)),
        parameters_(allocate_zeros<float>(elements)),
        scratch_(kScratchValues),
        queue_(memory),
        comm_(world, timeout_, queue_.stream()) {
    if (options.wire == CommOptions::Wire::bf16) wire_ = allocate_zeros<bf16>(elements);
    // Registers what travels: gradients as fp32 or bf16, and shares of parameters.
    if (wire_) {
      comm_.register_memory(wire_.get(), elements * sizeof(bf16));
    } else {
      comm_.register_memory(gradients_.get(), elements * sizeof(float));
    }
    if (shard_) comm_.register_memory(parameters_.get(), elements * sizeof(float));
  }

  int rank() const override { return comm_.rank(); }
  int size() const override { return comm_.size(); }
  Slabs slabs() override {
    return {.gradients = gradients_.get(), .wire = wire_.get(), .parameters = parameters_.get()};
  }
  bool overlaps() const override { return true; }

  std::string describe() const override {
    int version = 0;
    ncclGetVersion(&version);
    return fmt::format("NCCL {}.{}.{}, {}{}, {}", version / 10000, version / 100 % 100,
                       version % 100, ring_ ? "ring" : "its own choice of algorithm",
                       wire_ ? ", bf16" : "", counted(size(), "rank"));
  }

  // Every rank has parameters of its own and updates all of them, or with shard_optimizer its chunk
  // of each bucket.
  Range share(Range bucket) const override { return shard_ ? chunk(bucket, rank()) : bucket; }

  void mark_written(Range bucket) override { queue_.mark_written(bucket); }

  void reduce_scatter(std::span<const Range> buckets) override {
    begin();
    for (const Range& bucket : buckets) {
      if (bucket.size() == 0) continue;
      queue_.wait_until_written(bucket);
      if (wire_) {
        reduce_bf16(bucket);
      } else if (shard_) {
        scatter(bucket);
      } else {
        float* data = gradients_.get() + bucket.begin;
        comm_.settle(ncclAllReduce(data, data, bucket.size(), ncclFloat, ncclSum, comm_.get(),
                                   queue_.stream()));
      }
      comm_.finish();
    }
  }

  void all_gather(std::span<const Range> buckets) override {
    if (!shard_) return;
    begin();
    queue_.wait_for_torch();  // which updates the chunks
    for (const Range& bucket : buckets) gather(parameters_.get(), bucket, ncclFloat);
    comm_.finish();
  }

  void broadcast() override {
    begin();
    check_cuda(cudaDeviceSynchronize());  // rank 0's have been written on torch's stream
    comm_.settle(ncclBroadcast(parameters_.get(), parameters_.get(), elements_, ncclFloat, 0,
                               comm_.get(), queue_.stream()));
    comm_.finish();
  }

  void all_reduce(std::span<double> values, Over over) override {
    if (over == Over::shares && !shard_) return;
    if (values.empty()) return barrier();
    begin();
    for (size_t first = 0; first < values.size(); first += kScratchValues) {
      all_reduce_part(values.subspan(first, std::min(kScratchValues, values.size() - first)));
    }
  }

  std::unique_ptr<StreamSum> make_stream_sum() override {
    return make_nccl_stream_sum(world_, timeout_, current_stream_);
  }

  void barrier() override {
    begin();
    double nothing = 0;
    all_reduce_part({&nothing, 1});
  }

 private:
  // Returns rank r's chunk of a bucket: equal ones, as NCCL's collectives want them, and the last
  // rank has the elements that are left over. A chunk's size is a multiple of 64, so that all begin
  // where NCCL and kernels can take 128 bits at a time, in bf16 too.
  Range chunk(Range bucket, int r) const {
    const Range equal = equal_chunk(bucket, r);
    return {equal.begin, r + 1 == size() ? bucket.end : equal.end};
  }
  Range equal_chunk(Range bucket, int r) const {
    const size_t each = bucket.size() / static_cast<size_t>(size()) / kMultiple * kMultiple;
    const size_t begin = bucket.begin + each * static_cast<size_t>(r);
    return {begin, begin + each};
  }
  Range rest(Range bucket) const { return {equal_chunk(bucket, size() - 1).end, bucket.end}; }

  void begin() {
    comm_.check_usable();
    queue_.make_device_current();
  }

  void scatter(Range bucket) {
    float* data = gradients_.get();
    const Range mine = equal_chunk(bucket, rank()), over = rest(bucket);
    comm_.grouped([&] {
      if (mine.size() > 0) {
        comm_.queued(ncclReduceScatter(data + bucket.begin, data + mine.begin, mine.size(),
                                       ncclFloat, ncclSum, comm_.get(), queue_.stream()));
      }
      if (over.size() > 0) {
        comm_.queued(ncclReduce(data + over.begin, data + over.begin, over.size(), ncclFloat,
                                ncclSum, size() - 1, comm_.get(), queue_.stream()));
      }
    });
  }

  // Sends every rank's chunk to all.
  template <class Element>
  void gather(Element* data, Range bucket, ncclDataType_t type) {
    const Range mine = equal_chunk(bucket, rank()), over = rest(bucket);
    comm_.grouped([&] {
      if (mine.size() > 0) {
        comm_.queued(ncclAllGather(data + mine.begin, data + bucket.begin, mine.size(), type,
                                   comm_.get(), queue_.stream()));
      }
      if (over.size() > 0) {
        comm_.queued(ncclBroadcast(data + over.begin, data + over.begin, over.size(), type,
                                   size() - 1, comm_.get(), queue_.stream()));
      }
    });
  }

  // An all-reduce of bf16 would round after every addition. Here each rank sends every other its
  // chunk, sums its own in fp32, rounds that once, and sends it to all.
  void reduce_bf16(Range bucket) {
    const Range mine = chunk(bucket, rank());
    const size_t stride = round_up(mine.size(), kMultiple);
    const size_t needed = stride * static_cast<size_t>(size());
    if (needed > received_.size()) received_ = DeviceArray<bf16>(needed);
    comm_.grouped([&] {
      for (int peer = 0; peer < size(); ++peer) {
        const Range theirs = chunk(bucket, peer);
        if (theirs.size() > 0) {
          comm_.queued(ncclSend(wire_.get() + theirs.begin, theirs.size(), ncclBfloat16, peer,
                                comm_.get(), queue_.stream()));
        }
        if (mine.size() > 0) {
          comm_.queued(ncclRecv(received_.data() + static_cast<size_t>(peer) * stride, mine.size(),
                                ncclBfloat16, peer, comm_.get(), queue_.stream()));
        }
      }
    });
    kernels::cuda::sum_parts(received_.data(), size(), stride, mine.size(),
                             gradients_.get() + mine.begin, wire_.get() + mine.begin,
                             queue_.stream());
    if (shard_) return;
    gather(wire_.get(), bucket, ncclBfloat16);
    kernels::cuda::widen(wire_.get() + bucket.begin, bucket.size(), gradients_.get() + bucket.begin,
                         queue_.stream());
  }

  void all_reduce_part(std::span<double> values) {
    double* scratch = scratch_.data();
    check_cuda(cudaMemcpyAsync(scratch, values.data(), values.size_bytes(), cudaMemcpyHostToDevice,
                               queue_.stream()));
    comm_.settle(ncclAllReduce(scratch, scratch, values.size(), ncclDouble, ncclSum, comm_.get(),
                               queue_.stream()));
    // A copy to memory that is not pinned would wait for the peers inside CUDA.
    comm_.finish();
    check_cuda(cudaMemcpyAsync(values.data(), scratch, values.size_bytes(), cudaMemcpyDeviceToHost,
                               queue_.stream()));
    check_cuda(cudaStreamSynchronize(queue_.stream()));
  }

  const World& world_;
  std::chrono::duration<double> timeout_;
  std::function<void*()> current_stream_;
  size_t elements_;
  bool shard_;
  bool ring_;
  NcclSlab<float> gradients_;
  NcclSlab<float> parameters_;
  NcclSlab<bf16> wire_;         // null: gradients travel as fp32
  DeviceArray<bf16> received_;  // every rank's part of this rank's chunk
  DeviceArray<double> scratch_;
  GpuQueue queue_;
  NcclComm comm_;  // last: destroyed before the memory that it uses
};

}  // namespace

std::unique_ptr<Collectives> make_nccl_collectives(const World& world, const CommOptions& options,
                                                   const DeviceMemory& memory, size_t elements) {
  return std::make_unique<NcclCollectives>(world, options, memory, elements);
}

}  // namespace ringtrain
