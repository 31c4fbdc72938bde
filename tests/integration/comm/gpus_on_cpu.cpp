// SPDX-License-Identifier: Apache-2.0
// Stands in for CUDA's runtime where there is no GPU, so that the backends' own part is tested:
// which elements go where, in which order, and what is waited for. Device memory is host memory. A
// stream's work is done late. It proves nothing about CUDA itself.
#include <cuda_runtime_api.h>
#include <mpi.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "kernels/cuda_check.hpp"
#include "kernels/sum.hpp"
#include "kernels/sum_cuda.hpp"
#include "tests/integration/comm/streams_on_cpu.hpp"

using ringtrain::current_gpu;
using ringtrain::is_legacy;
using ringtrain::streams_mutex;
using ringtrain::then;

namespace {

thread_local cudaError_t last_error = cudaSuccess;

cudaError_t fail(cudaError_t error) {
  last_error = error;
  return error;
}

// Kernels are launched on the current device's streams alone, and report what is left of errors.
void check_launch(cudaStream_t stream) {
  if (!is_legacy(stream) && stream->device != current_gpu()) fail(cudaErrorInvalidResourceHandle);
  ringtrain::kernels::check_launch();
}

// 128-bit accesses trap elsewhere.
void check_alignment(const void* memory) {
  if (reinterpret_cast<uintptr_t>(memory) % 16 != 0) fail(cudaErrorMisalignedAddress);
}

// First page and the one after the last of every pinned range, by its memory.
std::map<void*, std::pair<uintptr_t, uintptr_t>> pinned;

bool has_pinned_pages(uintptr_t first, uintptr_t end) {
  return std::any_of(pinned.begin(), pinned.end(), [=](const auto& range) {
    return first < range.second.second && range.second.first < end;
  });
}

}  // namespace

// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name)
extern "C" {

cudaError_t cudaGetDevice(int* device) {
  *device = current_gpu();
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) {
  current_gpu() = device;
  return cudaSuccess;
}
cudaError_t cudaDeviceGetPCIBusId(char* id, int bytes, int) {
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  std::snprintf(id, static_cast<size_t>(bytes), "00:%02d", rank);
  return cudaSuccess;
}
cudaError_t cudaMalloc(void** memory, size_t bytes) {
  *memory = std::malloc(bytes);
  return *memory != nullptr ? cudaSuccess : fail(cudaErrorMemoryAllocation);
}
cudaError_t cudaFree(void* memory) {
  std::free(memory);
  return cudaSuccess;
}
cudaError_t cudaMemset(void* memory, int value, size_t bytes) {
  std::memset(memory, value, bytes);
  return cudaSuccess;
}
// Pages are pinned, each once. Every second range finds the limit on locked memory.
cudaError_t cudaHostRegister(void* memory, size_t bytes, unsigned) {
  constexpr uintptr_t kPage = 4096;
  const auto begin = reinterpret_cast<uintptr_t>(memory);
  const uintptr_t first = begin / kPage, end = (begin + bytes + kPage - 1) / kPage;
  if (has_pinned_pages(first, end)) {
    ++ringtrain::pages_refused();
    return fail(cudaErrorHostMemoryAlreadyRegistered);
  }
  static bool refuses = true;
  refuses = !refuses;
  if (refuses) return fail(cudaErrorMemoryAllocation);
  pinned[memory] = {first, end};
  return cudaSuccess;
}
cudaError_t cudaHostUnregister(void* memory) {
  if (pinned.erase(memory) == 0) std::abort();
  return cudaSuccess;
}
cudaError_t cudaDeviceSynchronize() { return cudaSuccess; }
cudaError_t cudaGetLastError() { return std::exchange(last_error, cudaSuccess); }
const char* cudaGetErrorString(cudaError_t) { return "an error"; }
const char* cudaGetErrorName(cudaError_t) { return "cudaErrorUnknown"; }

cudaError_t cudaDeviceGetStreamPriorityRange(int* lowest, int* highest) {
  *lowest = 0;
  *highest = -5;
  return cudaSuccess;
}
cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned flags, int priority) {
  if (flags != cudaStreamNonBlocking || priority != -5) return fail(cudaErrorInvalidValue);
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
cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  const bool captured = !is_legacy(stream) && stream->graph != nullptr;
  *status = captured ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusNone;
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
// In a graph a plain record orders its nodes alone, and an external one is a node.
cudaError_t cudaEventRecordWithFlags(cudaEvent_t event, cudaStream_t stream, unsigned flags) {
  if (!is_legacy(stream) && stream->device != event->device) {
    return fail(cudaErrorInvalidResourceHandle);
  }
  const auto& state = event->state;
  if (is_legacy(stream) || stream->graph == nullptr) {
    ringtrain::record(stream, state);
  } else if (flags == cudaEventRecordExternal) {
    stream->graph->push_back([stream, state] { ringtrain::record(stream, state); });
  }
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  return cudaEventRecordWithFlags(event, stream, cudaEventRecordDefault);
}
cudaError_t cudaEventQuery(cudaEvent_t event) {
  const std::lock_guard lock(streams_mutex());
  const auto& state = *event->state;
  if (state.reached < state.recorded) state.stream->progress();
  return state.reached == state.recorded ? cudaSuccess : cudaErrorNotReady;
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  while (cudaEventQuery(event) == cudaErrorNotReady) continue;
  return cudaSuccess;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  const std::lock_guard lock(streams_mutex());
  stream->add([state = event->state, number = event->state->recorded] {
    if (state->reached < number) state->stream->progress();
    return state->reached >= number;
  });
  return cudaSuccess;
}

}  // extern "C"
// NOLINTEND(readability-inconsistent-declaration-parameter-name)

namespace ringtrain::kernels::cuda {

void sum_parts(const bf16* parts, int count, size_t stride, size_t n, float* out, bf16* rounded,
               cudaStream_t stream) {
  check_alignment(parts);
  check_alignment(parts + stride);
  ::check_launch(stream);
  then(stream, [=] {
    std::vector<const bf16*> sources;
    for (int r = 0; r < count; ++r) sources.push_back(parts + static_cast<size_t>(r) * stride);
    sum(sources, out, n);
    for (size_t i = 0; rounded != nullptr && i < n; ++i) rounded[i] = to_bf16(out[i]);
  });
}

void widen(const bf16* values, size_t n, float* out, cudaStream_t stream) {
  ::check_launch(stream);
  then(stream, [=] {
    for (size_t i = 0; i < n; ++i) out[i] = to_float(values[i]);
  });
}

}  // namespace ringtrain::kernels::cuda
