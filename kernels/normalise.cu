// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "kernels/normalise_cuda.hpp"

namespace ringtrain::kernels::cuda {
namespace {

constexpr int kBlockThreads = 256;
constexpr unsigned kPixelsPerThread = 4;
constexpr size_t kMostGridRows = 65535;

// Blocks of one grid row share a sample. Neighbouring threads take neighbouring pixels.
template <class Raw>
__global__ void __launch_bounds__(kBlockThreads)
    normalise(const Raw* samples, float* out, size_t rows, Image image,
              const NormaliseElement* channels, BatchPlace batch) {
  const unsigned plane = static_cast<unsigned>(image.height) * image.width;
  const unsigned sample = plane * image.channels;
  for (size_t row = blockIdx.y; row < rows; row += gridDim.y) {
    const Placement place = placement(batch.augment, batch.first_position + row);
    const Raw* in = samples + row * sample;
    float* to = out + row * sample;
    for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < sample;
         i += gridDim.x * blockDim.x) {
      const unsigned channel = i / plane;
      const unsigned pixel = i - channel * plane;
      const int y = static_cast<int>(pixel) / image.width;
      const int x = static_cast<int>(pixel) - y * image.width;
      const int source_y = y + place.down;
      const int source_x = (place.flipped ? image.width - 1 - x : x) + place.right;
      const bool inside =
          source_y >= 0 && source_y < image.height && source_x >= 0 && source_x < image.width;
      const Raw raw = inside ? in[channel * plane + source_y * image.width + source_x] : Raw{0};
      to[i] = channels[channel](raw);
    }
  }
}

// The same for samples that are resized or whose colours change: a thread a pixel, with all its
// channels.
template <class Raw>
__global__ void __launch_bounds__(kBlockThreads)
    distort(const Raw* samples, float* out, size_t rows, Image image,
            const NormaliseElement* channels, BatchPlace batch) {
  const unsigned plane = static_cast<unsigned>(image.height) * image.width;
  const unsigned sample = plane * image.channels;
  const bool recolours = batch.augment.recolours();
  for (size_t row = blockIdx.y; row < rows; row += gridDim.y) {
    const Pose pose(batch.augment, image, batch.first_position + row);
    const Recolour colour = recolour(batch.augment, batch.first_position + row);
    const Raw* in = samples + row * sample;
    float* to = out + row * sample;
    for (unsigned pixel = blockIdx.x * blockDim.x + threadIdx.x; pixel < plane;
         pixel += gridDim.x * blockDim.x) {
      const int at = static_cast<int>(pixel) / image.width;
      const Tap y = pose.row(at);
      const Tap x = pose.column(static_cast<int>(pixel) - at * image.width);
      if (recolours && image.channels == 3) {
        const float red = between(in, image, y, x);
        const float green = between(in + plane, image, y, x);
        const float blue = between(in + 2 * plane, image, y, x);
        for (int c = 0; c < 3; ++c) {
          to[c * plane + pixel] = channels[c](colour(c, red, green, blue));
        }
        continue;
      }
      for (int c = 0; c < image.channels; ++c) {
        const float value = between(in + c * plane, image, y, x);
        to[c * plane + pixel] = channels[c](recolours ? colour(value) : value);
      }
    }
  }
}

template <class Raw>
void launch(const Raw* samples, float* out, size_t rows, const Image& image,
            const NormaliseElement* channels, const BatchPlace& place, cudaStream_t stream) {
  const size_t sample = static_cast<size_t>(image.channels) * image.height * image.width;
  if (rows == 0 || sample == 0) return;
  constexpr size_t kPerBlock = kBlockThreads * kPixelsPerThread;
  const dim3 grid(static_cast<unsigned>((sample + kPerBlock - 1) / kPerBlock),
                  static_cast<unsigned>(std::min(rows, kMostGridRows)));
  if (place.augment.resizes() || place.augment.recolours()) {
    distort<<<grid, kBlockThreads, 0, stream>>>(samples, out, rows, image, channels, place);
  } else {
    normalise<<<grid, kBlockThreads, 0, stream>>>(samples, out, rows, image, channels, place);
  }
  check_launch();
}

}  // namespace

void input_batch(const uint8_t* samples, float* out, size_t rows, const Image& image,
                 const NormaliseElement* channels, const BatchPlace& place, cudaStream_t stream) {
  launch(samples, out, rows, image, channels, place, stream);
}

void input_batch(const float* samples, float* out, size_t rows, const Image& image,
                 const NormaliseElement* channels, const BatchPlace& place, cudaStream_t stream) {
  launch(samples, out, rows, image, channels, place, stream);
}

}  // namespace ringtrain::kernels::cuda
