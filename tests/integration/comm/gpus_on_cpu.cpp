// SPDX-License-Identifier: Apache-2.0
// Stands in for CUDA's runtime and NCCL where there is no GPU, so that the backends' own part is
// tested: which elements go where, in which order, and what is waited for. Device memory is host
// memory. A stream's work is done late, when somebody asks for it; NCCL's work is done by MPI. It
// proves nothing about CUDA and NCCL themselves.
#include <cuda_runtime_api.h>
#include <mpi.h>
#include <nccl.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "kernels/sum.hpp"
#include "kernels/sum_cuda.hpp"

using ringtrain::kernels::bf16;

namespace {

// One piece of a stream's work: called until it returns true.
using Work = std::function<bool()>;

}  // namespace

// The libraries' own names for what their handles point to.
struct CUstream_st {
  std::deque<Work> work;
  bool progress() {
    while (!work.empty() && work.front()()) work.pop_front();
    return work.empty();
  }
};
struct CUevent_st {
  bool done = true;
  CUstream_st* stream = nullptr;
};
struct ncclComm {
  MPI_Comm ranks = MPI_COMM_NULL;
  int rank = 0, size = 0;
};

namespace {

// Torch's stream is the legacy default one. Tests write memory themselves, so its work is done.
bool is_legacy(cudaStream_t stream) { return stream == nullptr || stream == cudaStreamLegacy; }

void then(cudaStream_t stream, const std::function<void()>& work) {
  if (is_legacy(stream)) return work();
  stream->work.push_back([work] {
    work();
    return true;
  });
}

// MPI calls that start together; done when all are.
using Start = std::function<void(std::vector<MPI_Request>&)>;
void then_mpi(cudaStream_t stream, std::vector<Start> starts,
              const std::function<void()>& after = {}) {
  auto requests = std::make_shared<std::vector<MPI_Request>>();
  auto started = std::make_shared<bool>(false);
  stream->work.push_back([starts = std::move(starts), after, requests, started] {
    if (!*started) {
      for (const Start& start : starts) start(*requests);
      *started = true;
    }
    int done = 0;
    MPI_Testall(static_cast<int>(requests->size()), requests->data(), &done, MPI_STATUSES_IGNORE);
    if (done && after) after();
    return done != 0;
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

// Calls that a group has collected, of one rank.
bool in_group = false;
std::vector<Start> group_starts;
cudaStream_t group_stream = nullptr;

ncclResult_t add(cudaStream_t stream, const Start& start) {
  if (!in_group) {
    then_mpi(stream, {start});
    return ncclInProgress;
  }
  group_starts.push_back(start);
  group_stream = stream;
  return ncclSuccess;
}

}  // namespace

extern "C" {

cudaError_t cudaGetDevice(int* device) {
  *device = 0;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int) { return cudaSuccess; }
cudaError_t cudaDeviceGetPCIBusId(char* id, int bytes, int) {
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  std::snprintf(id, static_cast<size_t>(bytes), "00:%02d", rank);
  return cudaSuccess;
}
cudaError_t cudaMalloc(void** memory, size_t bytes) {
  *memory = std::malloc(bytes);
  return cudaSuccess;
}
cudaError_t cudaFree(void* memory) {
  std::free(memory);
  return cudaSuccess;
}
cudaError_t cudaMemset(void* memory, int value, size_t bytes) {
  std::memset(memory, value, bytes);
  return cudaSuccess;
}
cudaError_t cudaHostRegister(void*, size_t, unsigned) { return cudaErrorNotSupported; }
cudaError_t cudaHostUnregister(void*) { return cudaSuccess; }
cudaError_t cudaDeviceSynchronize() { return cudaSuccess; }
cudaError_t cudaGetLastError() { return cudaSuccess; }
const char* cudaGetErrorString(cudaError_t) { return "an error"; }
const char* cudaGetErrorName(cudaError_t) { return "cudaErrorUnknown"; }

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  *stream = new CUstream_st;
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  delete stream;
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  while (!is_legacy(stream) && !stream->progress()) continue;
  return cudaSuccess;
}
cudaError_t cudaStreamIsCapturing(cudaStream_t, cudaStreamCaptureStatus* status) {
  *status = cudaStreamCaptureStatusNone;
  return cudaSuccess;
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind,
                            cudaStream_t stream) {
  then(stream, [=] { std::memcpy(to, from, bytes); });
  return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  *event = new CUevent_st;
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  event->done = false;
  event->stream = stream;
  then(stream, [event] { event->done = true; });
  return cudaSuccess;
}
cudaError_t cudaEventRecordWithFlags(cudaEvent_t event, cudaStream_t stream, unsigned) {
  return cudaEventRecord(event, stream);
}
cudaError_t cudaEventQuery(cudaEvent_t event) {
  if (!event->done) event->stream->progress();
  return event->done ? cudaSuccess : cudaErrorNotReady;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  stream->work.push_back([event] { return event->done; });
  return cudaSuccess;
}

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
  *comm = new ncclComm{MPI_COMM_NULL, rank, size};
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
ncclResult_t ncclCommGetAsyncError(ncclComm_t, ncclResult_t* state) {
  *state = ncclSuccess;
  return ncclSuccess;
}

ncclResult_t ncclGroupStart() {
  in_group = true;
  return ncclSuccess;
}
ncclResult_t ncclGroupEnd() {
  in_group = false;
  if (!group_starts.empty()) then_mpi(group_stream, std::exchange(group_starts, {}));
  return ncclInProgress;
}

// All sums are in place, as the backend's are.
ncclResult_t ncclAllReduce(const void*, void* data, size_t count, ncclDataType_t type, ncclRedOp_t,
                           ncclComm_t comm, cudaStream_t stream) {
  return add(stream, [=](std::vector<MPI_Request>& requests) {
    MPI_Iallreduce(MPI_IN_PLACE, data, int_of(count), mpi_type(type), MPI_SUM, comm->ranks,
                   &requests.emplace_back());
  });
}
ncclResult_t ncclReduce(const void* data, void* sum, size_t count, ncclDataType_t type, ncclRedOp_t,
                        int root, ncclComm_t comm, cudaStream_t stream) {
  return add(stream, [=](std::vector<MPI_Request>& requests) {
    const bool here = comm->rank == root;
    MPI_Ireduce(here ? MPI_IN_PLACE : data, here ? sum : nullptr, int_of(count), mpi_type(type),
                MPI_SUM, root, comm->ranks, &requests.emplace_back());
  });
}
ncclResult_t ncclBroadcast(const void*, void* data, size_t count, ncclDataType_t type, int root,
                           ncclComm_t comm, cudaStream_t stream) {
  return add(stream, [=](std::vector<MPI_Request>& requests) {
    MPI_Ibcast(data, int_of(count), mpi_type(type), root, comm->ranks, &requests.emplace_back());
  });
}
ncclResult_t ncclReduceScatter(const void* data, void* sum, size_t count, ncclDataType_t type,
                               ncclRedOp_t, ncclComm_t comm, cudaStream_t stream) {
  // A copy, since MPI would have the result elsewhere.
  const auto copy = std::make_shared<std::vector<char>>();
  return add(stream, [=](std::vector<MPI_Request>& requests) {
    const auto* bytes = static_cast<const char*>(data);
    copy->assign(bytes, bytes + count * bytes_of(type) * static_cast<size_t>(comm->size));
    MPI_Ireduce_scatter_block(copy->data(), sum, int_of(count), mpi_type(type), MPI_SUM,
                              comm->ranks, &requests.emplace_back());
  });
}
ncclResult_t ncclAllGather(const void* mine, void* all, size_t count, ncclDataType_t type,
                           ncclComm_t comm, cudaStream_t stream) {
  const auto copy = std::make_shared<std::vector<char>>();
  return add(stream, [=](std::vector<MPI_Request>& requests) {
    const auto* bytes = static_cast<const char*>(mine);
    copy->assign(bytes, bytes + count * bytes_of(type));
    MPI_Iallgather(copy->data(), int_of(count), mpi_type(type), all, int_of(count), mpi_type(type),
                   comm->ranks, &requests.emplace_back());
  });
}
ncclResult_t ncclSend(const void* data, size_t count, ncclDataType_t type, int peer,
                      ncclComm_t comm, cudaStream_t stream) {
  return add(stream, [=](std::vector<MPI_Request>& requests) {
    MPI_Isend(data, int_of(count), mpi_type(type), peer, 0, comm->ranks, &requests.emplace_back());
  });
}
ncclResult_t ncclRecv(void* data, size_t count, ncclDataType_t type, int peer, ncclComm_t comm,
                      cudaStream_t stream) {
  return add(stream, [=](std::vector<MPI_Request>& requests) {
    MPI_Irecv(data, int_of(count), mpi_type(type), peer, 0, comm->ranks, &requests.emplace_back());
  });
}

}  // extern "C"

namespace ringtrain::kernels::cuda {

void sum_parts(const bf16* parts, int count, size_t stride, size_t n, float* out, bf16* rounded,
               cudaStream_t stream) {
  then(stream, [=] {
    std::vector<const bf16*> sources;
    for (int r = 0; r < count; ++r) sources.push_back(parts + static_cast<size_t>(r) * stride);
    sum(sources, out, n);
    for (size_t i = 0; rounded != nullptr && i < n; ++i) rounded[i] = to_bf16(out[i]);
  });
}

void widen(const bf16* values, size_t n, float* out, cudaStream_t stream) {
  then(stream, [=] {
    for (size_t i = 0; i < n; ++i) out[i] = to_float(values[i]);
  });
}

}  // namespace ringtrain::kernels::cuda
