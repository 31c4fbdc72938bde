// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mpi.h>

#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "runtime/comm/world.hpp"
#include "runtime/job/job_spec.hpp"

namespace ringtrain {

// Sums floats over a group by point-to-point messages of at most 256 KiB, several in flight.
//
// Why not MPI_Allreduce: Open MPI allocates scratch in every call (a cliff from 10 to 75 ms at 32
// MiB measured), does not overlap summing with transfer, and has no deadline.
//
// direct: everybody sends everything to everybody, and sums in rank order. One latency; n(p-1)
// elements sent. ring:   reduce-scatter, then all-gather around the ring (Patarasuk and Yuan 2009):
// 2(p-1) latencies,
//         2n(p-1)/p elements sent; segments of a chunk follow each other round the ring without
//         waiting.
// Both give the same bits on every rank of the group, and in every run.
class MpiAllReduce {
 public:
  // `algorithm` automatic: direct for two ranks and for short arrays, else ring.
  // The group must outlive this object.
  MpiAllReduce(const MpiGroup& group, CommunicationSpec::Algorithm algorithm,
               std::chrono::duration<double> timeout);

  void all_reduce(float* data, size_t count);
  // Few values; gathered and then added in rank order.
  void all_reduce(std::span<double> values);
  std::string describe() const;

 private:
  void direct(float* data, size_t count);
  void ring(float* data, size_t count);
  void receive(float* into, size_t count, int from, MPI_Request* request);
  void send(const float* from, size_t count, int to, MPI_Request* request);
  void wait(MPI_Request* request);

  const MpiGroup& group_;
  CommunicationSpec::Algorithm algorithm_;
  std::chrono::duration<double> timeout_;
  std::vector<float> scratch_;
  std::vector<double> gathered_;
};

}  // namespace ringtrain
