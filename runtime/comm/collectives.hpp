// SPDX-License-Identifier: Apache-2.0
// The collectives of training: the one interface between training and its backends.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "base/range.hpp"
#include "collectives/shared_slabs.hpp"
#include "kernels/element.hpp"
#include "runtime/comm/options.hpp"

namespace ringtrain {

class World;

// The flat arrays of a rank, [elements] each, laid out alike on every rank and owned by a backend.
// In device memory if the backend is a GPU's.
struct Slabs {
  float* gradients = nullptr;
  kernels::bf16* wire = nullptr;  // if not null, this rank's gradients are written here instead
  float* parameters = nullptr;
};

// The ranks that a sum is over.
enum class Over {
  ranks,   // all of them
  shares,  // each share once: for values that are computed share by share, such as norms
};

// Sums over the ranks as work of a GPU: the host waits for nobody, so that a sum can be a part of a
// CUDA graph. A peer that does not come stops the device's stream, and only the launcher can end
// the run.
//
// Requires: all ranks start the same sums in the same order.
// Thread: any, one at a time, beside those that use the Collectives.
class StreamSum {
 public:
  virtual ~StreamSum() = default;
  // Starts to replace n values, in memory of the device, by their sums, on the stream on which
  // gradients are written.
  virtual void start(float* values, size_t n) = 0;
};

// Collectives over slabs that are cut into buckets, under MPI's names. One step of training:
//
//   write this rank's gradients
//   reduce_scatter(buckets)   share(bucket) of the gradients becomes the sum over the ranks
//   update share(bucket) of the parameters, in every bucket
//   all_gather(buckets)       every rank has all parameters
//
// The ranks' shares cover every bucket. If the ranks of a node keep one copy of the parameters
// (CPU), each has its part of a bucket; if each rank has parameters of its own (GPU), a share is
// the whole bucket, or a part with shard_optimizer. A sum has the same bits on all ranks that get
// it, and in every run.
//
// Requires: all ranks make the same calls in the same order.
// Thread: construction and destruction on the main thread; in between all calls but mark_written()
// come from one thread at a time.
// Errors: a lost error where another rank does not come within the timeout, or a library fails.
// After it the object is of no more use.
class Collectives {
 public:
  virtual ~Collectives() = default;

  // Among the ranks that this object connects.
  virtual int rank() const = 0;
  virtual int size() const = 0;

  virtual Slabs slabs() = 0;
  virtual Range share(Range bucket) const = 0;

  // Not null if every rank reads the gradients of all others in memory and no sum needs more: after
  // a barrier() or an all_reduce() that follows the writing, SharedSlabs::reduce() stands for
  // reduce_scatter() without waiting for anybody.
  virtual collectives::SharedSlabs* shared_slabs() { return nullptr; }

  // True if reduce_scatter() waits for a network or a device, so that running it beside the
  // backward pass gains time.
  virtual bool overlaps() const = 0;

  // Returns the backend and its algorithm, for the log.
  virtual std::string describe() const = 0;

  // Called by the thread that wrote the bucket's gradients, before reduce_scatter(bucket) on any
  // thread. Work on the device may still be under way: a GPU backend records an event here, and
  // waits for what was started before it.
  virtual void mark_written(Range /*bucket*/) {}

  virtual void reduce_scatter(std::span<const Range> buckets) = 0;

  // Requires: the share of each bucket is up to date on every rank. Also a barrier where ranks
  // write to memory that others read.
  virtual void all_gather(std::span<const Range> buckets) = 0;

  // Gives every rank the parameters of rank 0.
  virtual void broadcast() = 0;

  // Returns sums that run beside those of this object, which must outlive them; null where the host
  // takes part in every sum. Collective, on the main thread.
  virtual std::unique_ptr<StreamSum> make_stream_sum() { return nullptr; }

  // Replaces the values, in host memory, by their sums. Over::ranks is also a barrier.
  virtual void all_reduce(std::span<double> values, Over over) = 0;

  // Memory that ranks of a node wrote before it is visible to the others after it.
  virtual void barrier() = 0;
};

// The rank's device, as far as a backend needs to know it.
struct DeviceMemory {
  bool cuda = false;
  std::function<std::shared_ptr<float[]>(size_t elements)> allocate_zeros;
  std::function<void*()> current_stream = {};  // on which gradients are written (cudaStream_t)
};

// Returns the backend that `options` ask for. `automatic` finds the best one: none for a world of
// one rank, NCCL for GPU ranks with a device each, else shared memory inside nodes and MPI between
// them (through pinned host memory for GPU ranks that share devices). Collective. Throws a job
// error if the backend cannot be had.
std::unique_ptr<Collectives> make_collectives(const World& world, const CommOptions& options,
                                              const DeviceMemory& memory, size_t elements);

}  // namespace ringtrain
