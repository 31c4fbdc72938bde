// SPDX-License-Identifier: Apache-2.0
// How ranks average: the one interface between training and its backends.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/range.hpp"
#include "job/job_spec.hpp"
#include "kernels/element.hpp"

namespace ringtrain {

class World;

// Sums gradients over ranks and spreads updated parameters.
//
// A communicator owns two slabs of `elements` floats, laid out alike on every rank: the gradients
// of this rank, and the parameters. (Where gradients travel as bf16, they are written to wire()
// instead, and gradients() is for the sums alone.) One step:
//
//   write gradients();  for every bucket, in the same order on every rank: written(),
//   reduce(bucket); update parameters() in share(bucket) of every bucket, from gradients();
//   publish(buckets);
//
// Where not overlaps(), sum() is called between the writing and the first reduce(): it is the one
// barrier that tells that everybody has written.
//
// After reduce(bucket), gradients() in share(bucket) holds the sum over all ranks, the same bits on
// every rank that has this share; the rest of the bucket is unspecified. The shares of the ranks
// cover every bucket: where each rank has parameters of its own (GPU), a share is the whole bucket,
// or with communication.shard_optimizer a part of it; where the ranks of a node keep one copy of
// the parameters (CPU), each updates its part of it. publish() returns when parameters() in all of
// these buckets is up to date on this rank. Where ranks write what others read, it is a barrier,
// too.
//
// Every call is collective. Construction and destruction belong to the main thread; in between, all
// calls but written() come from one thread at a time. Errors are a lost error.
class Communicator {
 public:
  virtual ~Communicator() = default;

  // True on one rank of those that sum together.
  virtual bool is_first() const = 0;

  virtual float* gradients() = 0;  // device memory where the backend is a GPU's
  virtual kernels::bf16* wire() { return nullptr; }
  virtual float* parameters() = 0;

  // The gradient slabs of all ranks where this rank can read them all, else none. Who updates its
  // share from their sum, in this order, need not call reduce().
  virtual std::vector<const float*> slabs() const { return {}; }

  // Gives every rank the parameters() that the first one has.
  virtual void spread_parameters() = 0;

  virtual Range share(Range bucket) const = 0;
  // Called by the thread that has written gradients() in the bucket, before reduce(bucket) on
  // whatever thread. Writing may still be under way on a device: a backend of a GPU notes here how
  // far the device has to come first, so that it need not wait for what is started later.
  virtual void written(Range /*bucket*/) {}
  virtual void reduce(Range bucket) = 0;
  virtual void publish(std::span<const Range> buckets) = 0;

  // Sums values over all ranks, in place, the same bits everywhere. Host memory. Also a barrier:
  // what ranks of a node wrote before it, the others see after it.
  virtual void sum(std::span<double> values) = 0;
  // The same over ranks whose shares differ, for what is computed share by share (norms).
  virtual void sum_over_shares(std::span<double> values) = 0;

  // True where reduce() waits for a network or a device, so that running it beside the backward
  // pass gains time. Inside one node of CPU ranks the sum is work for the same cores: it is done at
  // the end, in one go.
  virtual bool overlaps() const = 0;

  // For the log: which backend and algorithm, over what.
  virtual std::string describe() const = 0;
};

// What a communicator needs to know of the rank's device.
struct DeviceMemory {
  bool cuda = false;
  std::function<std::shared_ptr<float[]>(size_t elements)> allocate_zeros;
  std::function<void*()> current_stream = {};  // where written() finds the writing (cudaStream_t)
};

// The communicator that the job asks for, or `auto` finds best: none for a world of one, NCCL for
// GPU ranks with a device each, else shared memory inside nodes and MPI between them (GPU ranks
// that share devices: the same, by way of pinned host memory). Collective. Throws a job error where
// what is asked for cannot be had.
std::unique_ptr<Communicator> make_communicator(const World& world, const CommunicationSpec& spec,
                                                const DeviceMemory& memory, size_t elements);

}  // namespace ringtrain
