// SPDX-License-Identifier: Apache-2.0
// Stands in for NCCL where there is no GPU: its work is done by MPI, when its place in the stream
// comes (streams_on_cpu.hpp). It proves nothing about NCCL itself.
#include <cuda_runtime_api.h>
#include <mpi.h>
#include <nccl.h>

#include <cstdlib>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "kernels/element.hpp"
#include "tests/integration/comm/streams_on_cpu.hpp"

using ringtrain::kernels::bf16;

// The library's own name for what its handle points to.
struct ncclComm {
  MPI_Comm ranks = MPI_COMM_NULL;
  int rank = 0, size = 0;
  // A call may report success before its work is in the stream (nccl#1495). Here it gets there when
  // the state has been asked for a few times.
  std::vector<std::function<void()>> not_queued = {};
  int questions = 0;
};

namespace {

// MPI calls that start together; done when all are.
using Start = std::function<void(std::vector<MPI_Request>&)>;
void then_mpi(cudaStream_t stream, std::vector<Start> starts) {
  ringtrain::then_start(stream, [starts = std::move(starts)] {
    auto requests = std::make_shared<std::vector<MPI_Request>>();
    auto started = std::make_shared<bool>(false);
    return [starts, requests, started] {
      if (!*started) {
        for (const Start& start : starts) start(*requests);
        *started = true;
      }
      int done = 0;
      MPI_Testall(static_cast<int>(requests->size()), requests->data(), &done, MPI_STATUSES_IGNORE);
      return done != 0;
    };
  });
}

MPI_Datatype mpi_type(ncclDataType_t type) {
  if (type == ncclFloat) return MPI_FLOAT;
  if (type == ncclDouble) return MPI_DOUBLE;
  return MPI_UINT16_T;  // bf16, for copies alone
}

size_t bytes_of(ncclDataType_t type) {
  if (type == ncclFloat) return sizeof(float);
  return type == ncclDouble ? sizeof(double) : sizeof(bf16);
}

int int_of(size_t count) { return static_cast<int>(count); }

// Calls that a group of this thread has collected, of one rank.
struct Group {
  bool open = false;
  std::vector<Start> starts;
  ncclComm_t comm = nullptr;
  cudaStream_t stream = nullptr;
};
thread_local Group group;

ncclResult_t add(ncclComm_t comm, cudaStream_t stream, const Start& start) {
  if (!group.open) {
    comm->not_queued.push_back([=] { then_mpi(stream, {start}); });
    return ncclSuccess;
  }
  group.starts.push_back(start);
  group.comm = comm;
  group.stream = stream;
  return ncclSuccess;
}

}  // namespace

// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name)
extern "C" {

ncclResult_t ncclMemAlloc(void** memory, size_t bytes) {
  *memory = std::malloc(bytes);
  return ncclSuccess;
}
ncclResult_t ncclMemFree(void* memory) {
  std::free(memory);
  return ncclSuccess;
}
ncclResult_t ncclGetVersion(int* version) {
  *version = NCCL_VERSION_CODE;
  return ncclSuccess;
}
const char* ncclGetErrorString(ncclResult_t) { return "an error"; }
const char* ncclGetLastError(ncclComm_t) { return ""; }
ncclResult_t ncclGetUniqueId(ncclUniqueId*) { return ncclSuccess; }
ncclResult_t ncclCommInitRankConfig(ncclComm_t* comm, int size, ncclUniqueId, int rank,
                                    ncclConfig_t*) {
  *comm = new ncclComm{.rank = rank, .size = size};
  MPI_Comm_dup(MPI_COMM_WORLD, &(*comm)->ranks);
  return ncclInProgress;
}
ncclResult_t ncclCommRegister(ncclComm_t, void*, size_t, void** handle) {
  *handle = handle;
  return ncclSuccess;
}
ncclResult_t ncclCommDeregister(ncclComm_t, void*) { return ncclSuccess; }
ncclResult_t ncclCommFinalize(ncclComm_t) { return ncclInProgress; }
ncclResult_t ncclCommDestroy(ncclComm_t comm) {
  MPI_Comm_free(&comm->ranks);
  delete comm;
  return ncclSuccess;
}
ncclResult_t ncclCommAbort(ncclComm_t comm) {
  delete comm;  // what is under way in the MPI communicator stays there
  return ncclSuccess;
}
ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t* state) {
  constexpr int kQuestions = 3;
  *state = ncclInProgress;
  if (!comm->not_queued.empty() && ++comm->questions < kQuestions) return ncclSuccess;
  for (const auto& queue : std::exchange(comm->not_queued, {})) queue();
  comm->questions = 0;
  *state = ncclSuccess;
  return ncclSuccess;
}

ncclResult_t ncclGroupStart() {
  group.open = true;
  return ncclSuccess;
}
ncclResult_t ncclGroupEnd() {
  group.open = false;
  if (group.starts.empty()) return ncclInProgress;
  group.comm->not_queued.push_back(
      [stream = group.stream, starts = std::exchange(group.starts, {})] {
        then_mpi(stream, starts);
      });
  return ncclInProgress;
}

// All sums are in place, as the backend's are.
ncclResult_t ncclAllReduce(const void*, void* data, size_t count, ncclDataType_t type, ncclRedOp_t,
                           ncclComm_t comm, cudaStream_t stream) {
  return add(comm, stream, [=](std::vector<MPI_Request>& requests) {
    MPI_Iallreduce(MPI_IN_PLACE, data, int_of(count), mpi_type(type), MPI_SUM, comm->ranks,
                   &requests.emplace_back());
  });
}
ncclResult_t ncclReduce(const void* data, void* sum, size_t count, ncclDataType_t type, ncclRedOp_t,
                        int root, ncclComm_t comm, cudaStream_t stream) {
  return add(comm, stream, [=](std::vector<MPI_Request>& requests) {
    const bool here = comm->rank == root;
    MPI_Ireduce(here ? MPI_IN_PLACE : data, here ? sum : nullptr, int_of(count), mpi_type(type),
                MPI_SUM, root, comm->ranks, &requests.emplace_back());
  });
}
ncclResult_t ncclBroadcast(const void*, void* data, size_t count, ncclDataType_t type, int root,
                           ncclComm_t comm, cudaStream_t stream) {
  return add(comm, stream, [=](std::vector<MPI_Request>& requests) {
    MPI_Ibcast(data, int_of(count), mpi_type(type), root, comm->ranks, &requests.emplace_back());
  });
}
ncclResult_t ncclReduceScatter(const void* data, void* sum, size_t count, ncclDataType_t type,
                               ncclRedOp_t, ncclComm_t comm, cudaStream_t stream) {
  // A copy, since MPI would have the result elsewhere.
  const auto copy = std::make_shared<std::vector<char>>();
  return add(comm, stream, [=](std::vector<MPI_Request>& requests) {
    const auto* bytes = static_cast<const char*>(data);
    copy->assign(bytes, bytes + count * bytes_of(type) * static_cast<size_t>(comm->size));
    MPI_Ireduce_scatter_block(copy->data(), sum, int_of(count), mpi_type(type), MPI_SUM,
                              comm->ranks, &requests.emplace_back());
  });
}
ncclResult_t ncclAllGather(const void* mine, void* all, size_t count, ncclDataType_t type,
                           ncclComm_t comm, cudaStream_t stream) {
  const auto copy = std::make_shared<std::vector<char>>();
  return add(comm, stream, [=](std::vector<MPI_Request>& requests) {
    const auto* bytes = static_cast<const char*>(mine);
    copy->assign(bytes, bytes + count * bytes_of(type));
    MPI_Iallgather(copy->data(), int_of(count), mpi_type(type), all, int_of(count), mpi_type(type),
                   comm->ranks, &requests.emplace_back());
  });
}
ncclResult_t ncclSend(const void* data, size_t count, ncclDataType_t type, int peer,
                      ncclComm_t comm, cudaStream_t stream) {
  return add(comm, stream, [=](std::vector<MPI_Request>& requests) {
    MPI_Isend(data, int_of(count), mpi_type(type), peer, 0, comm->ranks, &requests.emplace_back());
  });
}
ncclResult_t ncclRecv(void* data, size_t count, ncclDataType_t type, int peer, ncclComm_t comm,
                      cudaStream_t stream) {
  return add(comm, stream, [=](std::vector<MPI_Request>& requests) {
    MPI_Irecv(data, int_of(count), mpi_type(type), peer, 0, comm->ranks, &requests.emplace_back());
  });
}

}  // extern "C"
// NOLINTEND(readability-inconsistent-declaration-parameter-name)
