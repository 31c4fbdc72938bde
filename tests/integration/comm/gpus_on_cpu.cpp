// SPDX-License-Identifier: Apache-2.0
// Stands in for CUDA's runtime where there is no GPU, so that the backends' own part is tested:
// which elements go where, in which order, and what is waited for. Device memory is host memory. A
// stream's work is done late. It proves nothing about CUDA itself.
#include <cuda_runtime_api.h>
#include <mpi.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "kernels/sum.hpp"
#include "kernels/sum_cuda.hpp"
#include "tests/integration/comm/streams_on_cpu.hpp"

using ringtrain::is_legacy;
using ringtrain::then;

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
