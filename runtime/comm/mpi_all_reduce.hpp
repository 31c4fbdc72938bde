// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mpi.h>

#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "job/job_spec.hpp"
#include "kernels/element.hpp"
#include "runtime/comm/communicator.hpp"
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
// the algorithm: so all but bf16 give the same bits, on every rank and in every run, and `auto` may
// choose by the clock.
class MpiAllReduce {
 public:
  static constexpr size_t kSegmentBytes = 128 * 1024;

  // The group must outlive this object.
  MpiAllReduce(const MpiGroup& group, const CommunicationSpec& spec);

  // Where the job leaves the algorithm open: measures both on so many elements, and keeps the
  // faster one. Collective.
  void choose_algorithm(size_t count);

  void all_reduce(float* data, size_t count);
  // Few values; gathered and then added in rank order.
  void all_reduce(std::span<double> values);

  // The two halves of an all-reduce: after the first, owned(count) of data is summed on this rank;
  // the second spreads what ranks have in the part that they own.
  void reduce_scatter(float* data, size_t count);
  void all_gather(float* data, size_t count);
  Range owned(size_t count) const;

  // What the group's first rank has.
  void broadcast(float* data, size_t count);

  std::string describe() const;

 private:
  using Algorithm = CommunicationSpec::Algorithm;

  Range chunk(size_t count, int c) const;
  void direct(float* data, size_t count);
  void ring(float* data, size_t count, int first_step, int last_step);
  void reduce_scatter_bf16(float* data, size_t count);
  void all_gather_bf16(float* data, size_t count);
  void receive(float* into, size_t count, int from, MPI_Request* request);
  void send(const float* from, size_t count, int to, MPI_Request* request);
  void receive(kernels::bf16* into, size_t count, int from);
  void send(const kernels::bf16* from, size_t count, int to);
  void wait(MPI_Request* request);
  void wait_for_all_pieces();

  const MpiGroup& group_;
  Algorithm algorithm_;
  bool measured_ = false;
  bool bf16_;
  std::chrono::duration<double> timeout_;
  std::vector<float> scratch_;
  std::vector<kernels::bf16> wire_;
  std::vector<kernels::bf16> received_;
  std::vector<MPI_Request> pieces_;  // under way, of bf16 transfers
  std::vector<double> gathered_;
};

}  // namespace ringtrain
