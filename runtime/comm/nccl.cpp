// SPDX-License-Identifier: Apache-2.0
#include "runtime/comm/nccl.hpp"

#include <cuda_runtime_api.h>
#include <fmt/format.h>
#include <nccl.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <set>
#include <source_location>
#include <string>
#include <thread>
#include <vector>

#include "base/deadline.hpp"
#include "base/error.hpp"
#include "kernels/sum_cuda.hpp"
#include "runtime/comm/cuda_handles.hpp"

namespace ringtrain {
namespace {

using kernels::bf16;
using std::source_location;

[[noreturn]] void fail(const std::string& what, const source_location& where) {
  throw lost_error(fmt::format("{} (in {}, {}:{})", what, where.function_name(), where.file_name(),
                               where.line()));
}

void check_nccl(ncclResult_t code, source_location where = source_location::current()) {
  if (code != ncclSuccess) fail(fmt::format("NCCL: {}", ncclGetErrorString(code)), where);
}

struct FreeNccl {
  void operator()(void* slab) const { ncclMemFree(slab); }
};
template <class Element>
using NcclSlab = std::unique_ptr<Element, FreeNccl>;

// Memory that NCCL can register with the network and with NVLink switches, zeroed.
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

struct FreeDevice {
  void operator()(void* memory) const { cudaFree(memory); }
};
template <class Element>
using DeviceValues = std::unique_ptr<Element, FreeDevice>;

template <class Element>
DeviceValues<Element> allocate_values(size_t count) {
  void* memory = nullptr;
  check_cuda(cudaMalloc(&memory, count * sizeof(Element)));
  return DeviceValues<Element>(static_cast<Element*>(memory));
}

// Host and GPU of every rank, by rank.
std::vector<std::string> places_of(const World& world) {
  int device = 0;
  check_cuda(cudaGetDevice(&device));
  char bus_id[32] = {};
  check_cuda(cudaDeviceGetPCIBusId(bus_id, sizeof bus_id, device));
  return world.all_gather(world.hosts()[static_cast<size_t>(world.rank())] + " GPU " + bus_id);
}

// NCCL cannot put two ranks on one device: it hangs or fails with a message that names neither.
void refuse_shared_devices(const World& world) {
  const std::vector<std::string> places = places_of(world);
  for (size_t a = 0; a < places.size(); ++a) {
    for (size_t b = a + 1; b < places.size(); ++b) {
      if (places[a] != places[b]) continue;
      throw job_error(fmt::format(
          "ranks {} and {} share {}: NCCL needs a device for each rank; start fewer ranks, or let "
          "communication.backend be auto, which then goes by way of host memory",
          a, b, places[a]));
    }
  }
}

// NCCL reads the variable once, when it starts. What the user has set stands.
void choose_algorithm(const CommunicationSpec& spec) {
  using Algorithm = CommunicationSpec::Algorithm;
  if (spec.algorithm == Algorithm::direct) {
    throw job_error("communication.algorithm: direct is for CPU ranks; use ring or auto with NCCL");
  }
  if (spec.algorithm == Algorithm::ring) setenv("NCCL_ALGO", "Ring", 0);
}

// Non-blocking: a call that waits for a peer returns at once, and is asked after until the
// deadline. (Waiting inside NCCL or CUDA for a peer that died would be for ever.)
class NcclCommunicator final : public Communicator {
 public:
  NcclCommunicator(const World& world, const CommunicationSpec& spec, const DeviceMemory& memory,
                   size_t elements)
      : rank_(world.rank()),
        size_(world.size()),
        elements_(elements),
        shard_(spec.shard_optimizer),
        timeout_(spec.timeout_seconds),
        written_(memory.current_stream) {
    check_cuda(cudaGetDevice(&device_));
    refuse_shared_devices(world);
    choose_algorithm(spec);
    ring_ = spec.algorithm == CommunicationSpec::Algorithm::ring;
    gradients_ = allocate_zeros<float>(elements);
    parameters_ = allocate_zeros<float>(elements);
    if (spec.wire == CommunicationSpec::Wire::bf16) wire_ = allocate_zeros<bf16>(elements);
    scratch_ = allocate_values<double>(scratch_values);
    stream_ = make_stream();
    done_ = make_event();
    updated_ = make_event();

    const ncclUniqueId id = broadcast_id(world);
    ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
    config.blocking = 0;
    try {
      settle(ncclCommInitRankConfig(&comm_, size_, id, rank_, &config));
      settle(ncclCommRegister(comm_, gradients_.get(), elements * sizeof(float), &registration_));
    } catch (...) {
      abort();
      throw;
    }
  }

  ~NcclCommunicator() override {
    if (comm_ == nullptr) return;
    try {
      if (registration_ != nullptr) settle(ncclCommDeregister(comm_, registration_));
      settle(ncclCommFinalize(comm_));
      ncclCommDestroy(comm_);
    } catch (const Error&) {
      abort();  // settle has done so; for a reader's peace of mind
    }
  }

  NcclCommunicator(const NcclCommunicator&) = delete;
  NcclCommunicator& operator=(const NcclCommunicator&) = delete;

  bool is_first() const override { return rank_ == 0; }
  float* gradients() override { return gradients_.get(); }
  bf16* wire() override { return wire_.get(); }
  float* parameters() override { return parameters_.get(); }

  void spread_parameters() override {
    begin();
    check_cuda(cudaDeviceSynchronize());  // the first rank's have been written on torch's stream
    settle(ncclBroadcast(parameters_.get(), parameters_.get(), elements_, ncclFloat, 0, comm_,
                         stream_.get()));
    finish();
  }

  // Every rank has parameters of its own and updates all of them, or (ZeRO-1, Rajbhandari et al.
  // 2020) its chunk of each bucket, and takes the rest from the others.
  Range share(Range bucket) const override { return shard_ ? chunk(bucket, rank_) : bucket; }

  void publish(std::span<const Range> buckets) override {
    if (!shard_) return;
    begin();
    // The chunks are updated on torch's stream, the legacy default one.
    check_cuda(cudaEventRecord(updated_.get(), cudaStreamLegacy));
    check_cuda(cudaStreamWaitEvent(stream_.get(), updated_.get(), 0));
    for (const Range& bucket : buckets) all_gather(parameters_.get(), bucket, ncclFloat);
    finish();
  }

  void sum_over_shares(std::span<double> values) override {
    if (shard_) sum(values);
  }

  void written(Range bucket) override { written_.note(bucket); }

  void reduce(Range bucket) override {
    if (bucket.size() == 0) return;
    begin();
    written_.order(stream_.get(), bucket);
    if (wire_) {
      reduce_bf16(bucket);
    } else if (shard_) {
      reduce_scatter(bucket);
    } else {
      float* data = gradients_.get() + bucket.begin;
      settle(ncclAllReduce(data, data, bucket.size(), ncclFloat, ncclSum, comm_, stream_.get()));
    }
    finish();
  }

  void sum(std::span<double> values) override {
    begin();
    // One value at least: it is a barrier, too.
    if (values.empty()) {
      double nothing = 0;
      sum_part({&nothing, 1});
      return;
    }
    for (size_t first = 0; first < values.size(); first += scratch_values) {
      sum_part(values.subspan(first, std::min(scratch_values, values.size() - first)));
    }
  }

  bool overlaps() const override { return true; }

  std::string describe() const override {
    int version = 0;
    ncclGetVersion(&version);
    return fmt::format("NCCL {}.{}.{}, {}{}, {} ranks", version / 10000, version / 100 % 100,
                       version % 100, ring_ ? "ring" : "its own choice of algorithm",
                       wire_ ? ", bf16" : "", size_);
  }

 private:
  static constexpr size_t scratch_values = 4096;

  static ncclUniqueId broadcast_id(const World& world) {
    ncclUniqueId id{};
    std::string bytes;
    if (world.rank() == 0) {
      check_nccl(ncclGetUniqueId(&id));
      bytes.assign(id.internal, sizeof id.internal);
    }
    bytes = world.broadcast(std::move(bytes));
    std::memcpy(id.internal, bytes.data(), sizeof id.internal);
    return id;
  }

  // What rank r sums of a bucket: equal chunks, as NCCL's collectives want them, and the last rank
  // has the few elements that are over.
  Range chunk(Range bucket, int r) const {
    const size_t each = bucket.size() / static_cast<size_t>(size_);
    const size_t begin = bucket.begin + each * static_cast<size_t>(r);
    return {begin, r + 1 == size_ ? bucket.end : begin + each};
  }
  Range equal_chunk(Range bucket, int r) const {
    const size_t begin = chunk(bucket, r).begin;
    return {begin, begin + bucket.size() / static_cast<size_t>(size_)};
  }
  Range rest(Range bucket) const { return {equal_chunk(bucket, size_ - 1).end, bucket.end}; }

  template <class Calls>
  void grouped(const Calls& calls) {
    check_nccl(ncclGroupStart());
    calls();
    settle(ncclGroupEnd());
  }

  void reduce_scatter(Range bucket) {
    float* data = gradients_.get();
    const Range mine = equal_chunk(bucket, rank_), over = rest(bucket);
    grouped([&] {
      if (mine.size() > 0) {
        queue(ncclReduceScatter(data + bucket.begin, data + mine.begin, mine.size(), ncclFloat,
                                ncclSum, comm_, stream_.get()));
      }
      if (over.size() > 0) {
        queue(ncclReduce(data + over.begin, data + over.begin, over.size(), ncclFloat, ncclSum,
                         size_ - 1, comm_, stream_.get()));
      }
    });
  }

  // Every rank's chunk to all.
  template <class Element>
  void all_gather(Element* data, Range bucket, ncclDataType_t type) {
    const Range mine = equal_chunk(bucket, rank_), over = rest(bucket);
    grouped([&] {
      if (mine.size() > 0) {
        queue(ncclAllGather(data + mine.begin, data + bucket.begin, mine.size(), type, comm_,
                            stream_.get()));
      }
      if (over.size() > 0) {
        queue(ncclBroadcast(data + over.begin, data + over.begin, over.size(), type, size_ - 1,
                            comm_, stream_.get()));
      }
    });
  }

  // Not an all-reduce of bf16, which would round after every addition: each rank sends every other
  // its chunk, sums its own in fp32, rounds that once, and spreads it.
  void reduce_bf16(Range bucket) {
    const Range mine = chunk(bucket, rank_);
    const size_t needed = mine.size() * static_cast<size_t>(size_);
    if (needed > received_room_) {
      received_ = allocate_values<bf16>(needed);
      received_room_ = needed;
    }
    grouped([&] {
      for (int peer = 0; peer < size_; ++peer) {
        const Range theirs = chunk(bucket, peer);
        if (theirs.size() > 0) {
          queue(ncclSend(wire_.get() + theirs.begin, theirs.size(), ncclBfloat16, peer, comm_,
                         stream_.get()));
        }
        if (mine.size() > 0) {
          queue(ncclRecv(received_.get() + static_cast<size_t>(peer) * mine.size(), mine.size(),
                         ncclBfloat16, peer, comm_, stream_.get()));
        }
      }
    });
    kernels::cuda::sum_parts(received_.get(), size_, mine.size(), mine.size(),
                             gradients_.get() + mine.begin, wire_.get() + mine.begin,
                             stream_.get());
    if (shard_) return;
    all_gather(wire_.get(), bucket, ncclBfloat16);
    kernels::cuda::widen(wire_.get() + bucket.begin, bucket.size(), gradients_.get() + bucket.begin,
                         stream_.get());
  }

  // A call within a group, which starts when the group ends.
  void queue(ncclResult_t code, source_location where = source_location::current()) {
    if (code != ncclSuccess && code != ncclInProgress) give_up(ncclGetErrorString(code), where);
  }

  void begin() {
    if (comm_ == nullptr) throw lost_error("NCCL: used after a failure");
    check_cuda(cudaSetDevice(device_));  // of this thread
  }

  void sum_part(std::span<double> values) {
    double* scratch = scratch_.get();
    check_cuda(cudaMemcpyAsync(scratch, values.data(), values.size_bytes(), cudaMemcpyHostToDevice,
                               stream_.get()));
    settle(
        ncclAllReduce(scratch, scratch, values.size(), ncclDouble, ncclSum, comm_, stream_.get()));
    // A copy to memory that is not pinned would wait for the peers inside CUDA.
    finish();
    check_cuda(cudaMemcpyAsync(values.data(), scratch, values.size_bytes(), cudaMemcpyDeviceToHost,
                               stream_.get()));
    check_cuda(cudaStreamSynchronize(stream_.get()));
  }

  // Waits until NCCL has taken the call in.
  void settle(ncclResult_t code, source_location where = source_location::current()) {
    const Deadline deadline(timeout_);
    for (int turn = 0; code == ncclInProgress; ++turn) {
      pause(turn);
      if (comm_ == nullptr) break;
      if (deadline.passed()) give_up("took too long to start", where);
      const ncclResult_t asked = ncclCommGetAsyncError(comm_, &code);
      if (asked != ncclSuccess) code = asked;
    }
    if (code != ncclSuccess) give_up(ncclGetErrorString(code), where);
  }

  // Waits until the device has done what is on our stream.
  void finish(source_location where = source_location::current()) {
    check_cuda(cudaEventRecord(done_.get(), stream_.get()));
    const Deadline deadline(timeout_);
    for (int turn = 0;; ++turn) {
      const cudaError_t done = cudaEventQuery(done_.get());
      if (done == cudaSuccess) return;
      if (done != cudaErrorNotReady) give_up(cudaGetErrorString(done), where);
      ncclResult_t state = ncclSuccess;
      const ncclResult_t asked = ncclCommGetAsyncError(comm_, &state);
      if (asked != ncclSuccess) state = asked;
      if (state != ncclSuccess && state != ncclInProgress) {
        give_up(ncclGetErrorString(state), where);
      }
      if (deadline.passed()) {
        give_up(fmt::format("a peer did not answer within {} s (communication.timeout_seconds)",
                            timeout_.count()),
                where);
      }
      pause(turn);
    }
  }

  // Eager at first, then out of the way of threads that compute.
  static void pause(int turn) {
    constexpr int eager_turns = 2000;
    if (turn < eager_turns) {
      std::this_thread::yield();
    } else {
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
  }

  [[noreturn]] void give_up(const std::string& why, const source_location& where) {
    std::string detail;
    if (comm_ != nullptr) {
      const char* last = ncclGetLastError(comm_);
      if (last != nullptr && *last != '\0') detail = fmt::format(": {}", last);
    }
    abort();
    fail(fmt::format("NCCL on rank {}: {}{}", rank_, why, detail), where);
  }

  // Ends kernels that wait for peers, so that the process can end.
  void abort() {
    if (comm_ != nullptr) ncclCommAbort(comm_);
    comm_ = nullptr;
    registration_ = nullptr;
  }

  int rank_;
  int size_;
  size_t elements_;
  int device_ = 0;
  bool ring_ = false;
  bool shard_;
  std::chrono::duration<double> timeout_;
  NcclSlab<float> gradients_;
  NcclSlab<float> parameters_;
  NcclSlab<bf16> wire_;          // null: gradients travel as fp32
  DeviceValues<bf16> received_;  // every rank's part of this rank's chunk
  size_t received_room_ = 0;
  DeviceValues<double> scratch_;
  Stream stream_;
  Event done_;     // on our stream
  Event updated_;  // on torch's
  WrittenBuckets written_;
  ncclComm_t comm_ = nullptr;
  void* registration_ = nullptr;
};

}  // namespace

bool each_rank_has_a_gpu(const World& world) {
  const std::vector<std::string> places = places_of(world);
  return std::set<std::string>(places.begin(), places.end()).size() == places.size();
}

std::unique_ptr<Communicator> make_nccl_communicator(const World& world,
                                                     const CommunicationSpec& spec,
                                                     const DeviceMemory& memory, size_t elements) {
  return std::make_unique<NcclCommunicator>(world, spec, memory, elements);
}

}  // namespace ringtrain
