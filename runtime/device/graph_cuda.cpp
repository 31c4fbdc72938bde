// SPDX-License-Identifier: Apache-2.0
// CudaDevice::record(): a step as a CUDA graph.
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include <memory>
#include <vector>

#include "kernels/cuda_check.hpp"
#include "runtime/device/device_cuda.hpp"

namespace ringtrain {

using kernels::check_cuda;

// A CUDA graph. Its kernels write to arrays of its own, which nothing else may free or move.
class CudaDevice::Graph final : public Recording {
 public:
  explicit Graph(CudaDevice& device) : device_(device) {}
  ~Graph() override {
    if (device_.norms_ == &norms_) device_.norms_ = &device_.own_norms_;
  }

  void record(const std::function<void()>& work) {
    // Memory cannot be allocated for arrays during the capture. The eager steps before have used as
    // much.
    norms_.partials = Array<double>(device_.own_norms_.partials.size());
    check_cuda(cudaDeviceSynchronize());
    // The capture takes memory of its own, as much as an eager step: what those have left in the
    // allocator's cache would stand in its way.
    c10::cuda::CUDACachingAllocator::emptyCache();
    // Only streams other than the default one can be captured. The caching allocator gives a
    // capture memory of its own; other threads' calls do not disturb it.
    const c10::cuda::CUDAStreamGuard on_stream(
        c10::cuda::getStreamFromPool(/*isHighPriority=*/false, device_.torch().index()));
    graph_.capture_begin({0, 0}, kCaptureMode);
    device_.norms_ = &norms_;
    device_.recording_ = true;
    try {
      work();
      device_.launch_packs();
      ends_ = norms_.ends;
      end_recording();
      graph_.capture_end();
    } catch (...) {
      end_recording();
      give_up();
      throw;
    }
  }

  void replay() override {
    graph_.replay();
    norms_.ends = ends_;
    device_.norms_ = &norms_;
  }

 private:
  static constexpr cudaStreamCaptureMode kCaptureMode = cudaStreamCaptureModeThreadLocal;

  void end_recording() {
    device_.forget_packs();
    device_.norms_ = &device_.own_norms_;
    device_.recording_ = false;
  }

  // After a failed capture, libtorch 2.11's capture_end() throws before it has closed its
  // allocators and generators (pytorch#180395 and #190348 mend it in 2.12): the next dropout would
  // throw, too. So CUDA itself ends the failed capture, and capture_end() an empty one in its
  // place.
  void give_up() {
    const cudaStream_t stream = device_.stream();
    cudaGraph_t failed = nullptr;
    cudaStreamEndCapture(stream, &failed);
    if (failed != nullptr) cudaGraphDestroy(failed);
    cudaGetLastError();  // cleared: a later call must not report it
    try {
      check_cuda(cudaStreamBeginCapture(stream, kCaptureMode));
      graph_.capture_end();
    } catch (const std::exception&) {  // it had been closed: the error came later
      cudaGetLastError();
    }
  }

  CudaDevice& device_;
  at::cuda::CUDAGraph graph_;
  Norms norms_;
  std::vector<uint32_t> ends_;  // of the chunks of the tensors that the graph packs
};

std::unique_ptr<Recording> CudaDevice::record(const std::function<void()>& work) {
  auto graph = std::make_unique<Graph>(*this);
  graph->record(work);
  return graph;
}

}  // namespace ringtrain
