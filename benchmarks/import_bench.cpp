// SPDX-License-Identifier: Apache-2.0
// How much an import of images costs beside decoding them: import_bench [IMAGES [DIRECTORY]].
//
// Writes JPEGs of 500 x 375 (5,000 by default), then, in turns and with a thread for
// every core: libjpeg-turbo alone, every pixel, and `dataset import images` to 224 x 224, written,
// flushed and verified. Prints medians of three rounds and their ratio.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <jpeglib.h>

#include "base/file.hpp"
#include "base/mix.hpp"
#include "base/statistics.hpp"
#include "benchmarks/jpeg_encoder.hpp"
#include "datasets/importers/images.hpp"

namespace {

namespace fs = std::filesystem;

constexpr int kWidth = 500;
constexpr int kHeight = 375;

// Waves and some noise: about as much for the decoder to do as a photograph of this size, 60 KB.
std::string make_jpeg(uint64_t seed) {
  uint64_t state = ringtrain::mix(seed);
  const double phase = static_cast<double>(seed % 100);
  return ringtrain::benchmarks::encode_jpeg(
      {.width = kWidth, .height = kHeight, .quality = 90},
      [&](int y, std::vector<unsigned char>& row) {
        for (size_t i = 0; i < row.size(); ++i) {
          state = state * 6364136223846793005 + 1442695040888963407;
          const double wave =
              std::sin(static_cast<double>(i) / 90 + phase) * std::cos(y / 40.0 + phase);
          row[i] = static_cast<unsigned char>(128 + 90 * wave + static_cast<double>(state >> 60));
        }
      });
}

// libjpeg-turbo and nothing else: into one buffer of each thread.
void decode(const std::string& bytes, std::vector<unsigned char>& pixels) {
  jpeg_decompress_struct info;
  jpeg_error_mgr error;
  info.err = jpeg_std_error(&error);
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  jpeg_read_header(&info, TRUE);
  jpeg_start_decompress(&info);
  const size_t stride = size_t{3} * info.output_width;
  pixels.resize(stride * info.output_height);
  while (info.output_scanline < info.output_height) {
    JSAMPROW row = pixels.data() + stride * info.output_scanline;
    jpeg_read_scanlines(&info, &row, 1);
  }
  jpeg_finish_decompress(&info);
  jpeg_destroy_decompress(&info);
}

void for_each_file(const std::vector<fs::path>& files,
                   const std::function<void(const fs::path&, std::vector<unsigned char>&)>& visit) {
  std::atomic<size_t> next = 0;
  std::vector<std::jthread> threads;
  for (unsigned t = 0; t < std::max(1U, std::thread::hardware_concurrency()); ++t) {
    threads.emplace_back([&] {
      std::vector<unsigned char> pixels;
      for (size_t i = next++; i < files.size(); i = next++) visit(files[i], pixels);
    });
  }
}

double seconds_of(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

int main(int argc, char** argv) {
  const int images = argc > 1 ? static_cast<int>(std::strtol(argv[1], nullptr, 10)) : 5000;
  const fs::path directory = argc > 2 ? argv[2] : "data/import_bench";
  // A hundred different ones: drawing them takes longer than decoding.
  std::vector<std::string> drawn;
  for (uint64_t seed = 0; seed < 100; ++seed) drawn.push_back(make_jpeg(seed));
  std::vector<fs::path> files;
  for (int i = 0; i < images; ++i) {
    const fs::path file =
        directory / "images" / fmt::format("class{:02}", i % 20) / fmt::format("{:05}.jpg", i);
    fs::create_directories(file.parent_path());
    if (!fs::exists(file))
      std::ofstream(file, std::ios::binary) << drawn[static_cast<size_t>(i) % 100];
    files.push_back(file);
  }
  const auto pure = [&] {
    return seconds_of([&] {
      for_each_file(files, [&](const fs::path& file, std::vector<unsigned char>& pixels) {
        decode(ringtrain::read_file(file, 1 << 24), pixels);
      });
    });
  };
  std::vector<double> decoding;
  std::vector<double> importing;
  for (int round = 0; round < 3; ++round) {
    decoding.push_back(pure());
    fs::remove(directory / "set.h5");  // giving back its space is no part of an import
    importing.push_back(seconds_of([&] {
      ringtrain::datasets::ImageSources sources;
      sources.path = directory / "images";
      ringtrain::datasets::import_images(sources, directory / "set.h5", {});
    }));
  }
  fmt::print("{} images of {} x {}, {} threads\n", images, kWidth, kHeight,
             std::thread::hardware_concurrency());
  fmt::print("  libjpeg-turbo alone       {:7.2f} s\n", ringtrain::median(decoding));
  fmt::print("  import to 224 x 224       {:7.2f} s: {:.2f} times as long\n",
             ringtrain::median(importing),
             ringtrain::median(importing) / ringtrain::median(decoding));
}
