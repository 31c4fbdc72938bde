// SPDX-License-Identifier: Apache-2.0
// MPI's profiling interface: every call that sends is counted, then made.
#include <mpi.h>

#include "benchmarks/counters/counts.hpp"

namespace {

int64_t bytes_of(int count, MPI_Datatype type) {
  int size = 0;
  PMPI_Type_size(type, &size);
  return int64_t{count} * size;
}

}  // namespace

extern "C" {

int MPI_Isend(const void* from, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm,
              MPI_Request* request) {
  ringtrain::benchmarks::count_message(bytes_of(count, type));
  return PMPI_Isend(from, count, type, to, tag, comm, request);
}

int MPI_Iallgather(const void* from, int count, MPI_Datatype type, void* into, int into_count,
                   MPI_Datatype into_type, MPI_Comm comm, MPI_Request* request) {
  ringtrain::benchmarks::count_gather();
  return PMPI_Iallgather(from, count, type, into, into_count, into_type, comm, request);
}

int MPI_Barrier(MPI_Comm comm) {
  ringtrain::benchmarks::count_gather();
  return PMPI_Barrier(comm);
}

}  // extern "C"
