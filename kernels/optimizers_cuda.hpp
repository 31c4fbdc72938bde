// SPDX-License-Identifier: Apache-2.0
// The device drivers of sgd.hpp, adamw.hpp and lars.hpp, over the slab. All pointers are device
// memory, the step's factors too: a captured graph takes new ones by a copy before its replay. Work
// is ordered on the stream.
//
// Where `stats` is given and tells of a value that is not finite, nothing is changed: the step is
// skipped on the device, without asking the host.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <span>

#include "kernels/adamw.hpp"
#include "kernels/cuda_array.hpp"
#include "kernels/lars.hpp"
#include "kernels/pack_cuda.hpp"
#include "kernels/sgd.hpp"

namespace ringtrain::kernels::cuda {

// momentum may be null where step->momentum is 0.
void sgd_step(const SgdStep* step, const DeviceStats* stats, float* parameters,
              const float* gradients, float* momentum, size_t n, cudaStream_t stream);

void adamw_step(const AdamwElement* step, const DeviceStats* stats, float* parameters,
                const float* gradients, float* m, float* v, size_t n, cudaStream_t stream);

// One tensor, its local rate known.
void lars_step(const LarsStep* step, const DeviceStats* stats, float* parameters,
               const float* gradients, float* momentum, size_t n, cudaStream_t stream);

// All tensors of a slab, their norms taken and their local rates found on the device.
struct LarsFactors {
  LarsStep step;  // its local_rate is not used
  LarsRate rate;
};

class LarsTable {
 public:
  struct Tensor {
    size_t offset;  // in the slab, elements
    size_t elements;
    bool adapts;  // false: local rate 1 (biases, normalisation weights)
  };

  explicit LarsTable(std::span<const Tensor> tensors);

  void step(const LarsFactors* factors, const DeviceStats* stats, float* parameters,
            const float* gradients, float* momentum, cudaStream_t stream) const;

  // Of one tensor, in device memory.
  struct Place {
    uint32_t first_chunk;
    uint32_t chunks;
    bool adapts;
  };
  struct SquaredNorms {
    double parameters;
    double gradients;
  };

 private:
  DeviceArray<Chunk> chunks_;  // `out` is the place in the slab
  DeviceArray<Place> places_;
  DeviceArray<SquaredNorms> partials_;  // per chunk
  DeviceArray<float> rates_;            // per tensor
};

}  // namespace ringtrain::kernels::cuda
