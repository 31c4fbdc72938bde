// SPDX-License-Identifier: Apache-2.0
#include "runtime/comm/cuda_handles.hpp"

#include <fmt/format.h>

#include "base/error.hpp"

namespace ringtrain {

void check_cuda(cudaError_t code, std::source_location where) {
  if (code == cudaSuccess) return;
  throw lost_error(fmt::format("CUDA: {} (in {}, {}:{})", cudaGetErrorString(code),
                               where.function_name(), where.file_name(), where.line()));
}

Stream make_stream() {
  cudaStream_t stream = nullptr;
  check_cuda(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  return Stream(stream);
}

Event make_event() {
  cudaEvent_t event = nullptr;
  check_cuda(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
  return Event(event);
}

void WrittenBuckets::note(Range bucket) {
  const std::lock_guard lock(mutex_);
  Event& event = events_[bucket.begin];
  if (!event) event = make_event();
  auto* stream = static_cast<cudaStream_t>(current_stream_());
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  check_cuda(cudaStreamIsCapturing(stream, &status));
  const bool recorded = status == cudaStreamCaptureStatusActive;
  check_cuda(cudaEventRecordWithFlags(event.get(), stream,
                                      recorded ? cudaEventRecordExternal : cudaEventRecordDefault));
}

void WrittenBuckets::order(cudaStream_t stream, Range bucket) {
  const std::lock_guard lock(mutex_);
  check_cuda(cudaStreamWaitEvent(stream, events_.at(bucket.begin).get(), 0));
}

}  // namespace ringtrain
