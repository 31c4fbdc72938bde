// SPDX-License-Identifier: Apache-2.0
#include "runtime/comm/gpu_queue.hpp"

#include "kernels/cuda_check.hpp"

namespace ringtrain {
namespace {

using kernels::check_cuda;
using kernels::cuda::make_event;
using kernels::cuda::make_stream;

int current_device() {
  int device = 0;
  check_cuda(cudaGetDevice(&device));
  return device;
}

}  // namespace

GpuQueue::GpuQueue(const DeviceMemory& memory)
    : device_(current_device()),
      current_stream_(memory.current_stream),
      stream_(make_stream()),
      torch_(make_event()) {}

void GpuQueue::make_device_current() const { check_cuda(cudaSetDevice(device_)); }

void GpuQueue::mark_written(Range bucket) {
  const std::lock_guard lock(mutex_);
  kernels::cuda::Event& event = written_[bucket.begin];
  if (!event) event = make_event();
  auto* stream = static_cast<cudaStream_t>(current_stream_());
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  check_cuda(cudaStreamIsCapturing(stream, &status));
  const bool captured = status == cudaStreamCaptureStatusActive;
  check_cuda(cudaEventRecordWithFlags(event.get(), stream,
                                      captured ? cudaEventRecordExternal : cudaEventRecordDefault));
}

void GpuQueue::wait_for_torch() {
  check_cuda(cudaEventRecord(torch_.get(), static_cast<cudaStream_t>(current_stream_())));
  check_cuda(cudaStreamWaitEvent(stream(), torch_.get(), 0));
}

void GpuQueue::wait_until_written(Range bucket) {
  const std::lock_guard lock(mutex_);
  check_cuda(cudaStreamWaitEvent(stream(), written_.at(bucket.begin).get(), 0));
}

}  // namespace ringtrain
