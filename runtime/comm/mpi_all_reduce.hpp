// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "base/range.hpp"
#include "kernels/element.hpp"
#include "runtime/comm/mpi_messages.hpp"
#include "runtime/comm/options.hpp"
#include "runtime/comm/world.hpp"

namespace ringtrain {

// Sums floats over a group by point-to-point messages of at most 128 KiB, several in flight.
//
// Why not MPI_Allreduce: Open MPI allocates scratch in every call (a cliff from 10 to 75 ms at 32
// MiB measured), does not overlap summing with transfer, and has no deadline.
//
// direct: everybody sends everything to everybody. One latency; n(p-1) elements sent.
// ring:   reduce-scatter, then all-gather around the ring (Patarasuk and Yuan 2009): 2(p-1)
//         latencies, 2n(p-1)/p elements sent; segments of a chunk follow each other without
//         waiting.
// bf16 on the wire: every chunk is sent to its owner, summed there in fp32, rounded once and sent
//         back: two latencies, half the bytes of the ring.
//
// The array is cut into p chunks, and ranks are added in the order c, c+1, ... in chunk c, whatever
// the algorithm: all but bf16 give the same bits, on every rank and in every run, and `automatic`
// may choose by the clock.
//
// Every call is collective over the group. Errors as MpiMessages.
class MpiAllReduce {
 public:
  static constexpr size_t kSegmentBytes = 128 * 1024;

  // The group must outlive this object.
  MpiAllReduce(const MpiGroup& group, const CommOptions& options);

  // If the options leave the algorithm open: measures both on so many elements and keeps the faster
  // one.
  void choose_algorithm(size_t count);

  void all_reduce(float* data, size_t count);
  // For few values: gathers them, and adds in the order of ranks.
  void all_reduce(std::span<double> values);

  // The two halves of an all-reduce: the first sums owned(count) of data on this rank, the second
  // sends what each rank has in the part that it owns to all.
  void reduce_scatter(float* data, size_t count);
  void all_gather(float* data, size_t count);
  Range owned(size_t count) const;

  // Sends the values of the group's first rank to all.
  void broadcast(float* data, size_t count) { messages_.broadcast(data, count); }

  std::string describe() const;

 private:
  using Algorithm = CommOptions::Algorithm;

  Range chunk(size_t count, int c) const;
  void direct(float* data, size_t count);
  void ring(float* data, size_t count, int first_step, int last_step);
  // mpi_all_reduce_bf16.cpp
  void reduce_scatter_bf16(float* data, size_t count);
  void all_gather_bf16(float* data, size_t count);

  const MpiGroup& group_;
  MpiMessages messages_;
  Algorithm algorithm_;
  bool measured_ = false;
  bool bf16_;
  std::vector<float> scratch_;
  std::vector<kernels::bf16> wire_;
  std::vector<kernels::bf16> received_;
  std::vector<double> gathered_;
};

}  // namespace ringtrain
