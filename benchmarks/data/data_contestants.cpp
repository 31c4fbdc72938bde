// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/data/data_contestants.hpp"

#include <fcntl.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "base/error.hpp"
#include "base/mix.hpp"
#include "benchmarks/data/hdf5_baseline.hpp"
#include "datasets/format/permutation.hpp"
#include "datasets/reading/block_store.hpp"
#include "datasets/reading/open.hpp"
#include "datasets/reading/order.hpp"
#include "datasets/writing/writer.hpp"
#include "kernels/normalise.hpp"

namespace ringtrain::benchmarks {
namespace {

using datasets::DatasetIndex;
using datasets::Split;

datasets::Shape shape_of(uint64_t bytes) {
  switch (bytes) {
    case 784:
      return {1, 28, 28};
    case 3072:
      return {3, 32, 32};
    case 27648:
      return {3, 96, 96};
    case 150528:
      return {3, 224, 224};
    default:
      return {1, 1, static_cast<int64_t>(bytes)};
  }
}

kernels::Image image_of(const DatasetIndex& index) {
  return {static_cast<int>(index.shape.channels), static_cast<int>(index.shape.height),
          static_cast<int>(index.shape.width)};
}

// Keeps the compiler from dropping an unused result.
std::atomic<uint64_t> sink;
void use(const void* data) { sink += *static_cast<const unsigned char*>(data); }

}  // namespace

DatasetIndex make_bench_dataset(const std::filesystem::path& path, uint64_t sample_bytes,
                                uint64_t total_bytes) {
  datasets::NewDataset dataset;
  dataset.shape = shape_of(sample_bytes);
  dataset.train_rows = std::max<uint64_t>(kBenchBatch, total_bytes / sample_bytes);
  dataset.source = "ringtrain bench data";
  if (std::filesystem::exists(path)) {
    DatasetIndex index = datasets::open_dataset_unverified(path);
    if (index.source != dataset.source) {
      throw job_error(path.string() +
                      ": exists already and is not of this benchmark: choose another --directory");
    }
    if (index.train.rows == dataset.train_rows && index.shape == dataset.shape) return index;
  }
  datasets::Writer writer(path, dataset);
  writer.set_class_names({"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"});
  std::vector<std::byte> row(sample_bytes + 8);
  for (uint64_t i = 0; i < dataset.train_rows; ++i) {
    uint64_t state = mix(i);
    for (size_t at = 0; at < sample_bytes; at += 8) {
      state = state * 6364136223846793005 + 1442695040888963407;
      std::memcpy(row.data() + at, &state, 8);
    }
    writer.put(Split::train, i, row.data(), static_cast<int64_t>(i % 10));
  }
  return writer.finish();
}

void drop_from_page_cache(const DatasetIndex& index) {
  for (const auto& file : index.shards) {
    const auto open = File::open_for_writing(file.path);
    open.sync();
    ::posix_fadvise(open.fd(), 0, 0, POSIX_FADV_DONTNEED);
  }
}

void pread_blocks(const DatasetIndex& index, int threads) {
  datasets::BlockFiles files(index, Split::train);
  const auto order =
      datasets::SampleOrder(index.train.rows, index.block_rows, kBenchBatch, 1, true).epoch(0);
  for (const auto& file : files.files()) ::posix_fadvise(file.fd(), 0, 0, POSIX_FADV_RANDOM);
  std::atomic<uint64_t> next = 0;
  const auto work = [&] {
    constexpr size_t kPage = 4096;
    const std::unique_ptr<std::byte, void (*)(void*)> buffer(
        static_cast<std::byte*>(std::aligned_alloc(
            kPage, (index.block_rows * (index.row_bytes() + 8) / kPage + 1) * kPage)),
        std::free);
    for (uint64_t slot = next++; slot < files.blocks(); slot = next++) {
      const auto place = files.place(order.block(slot));
      files.file(place).read_at(buffer.get(), place.rows * index.row_bytes(), place.x_offset);
      files.file(place).read_at(buffer.get(), place.rows * sizeof(int64_t), place.y_offset);
      use(buffer.get());
    }
  };
  if (threads == 1) {
    work();
    return;
  }
  std::vector<std::jthread> pool;
  for (int t = 0; t < threads; ++t) pool.emplace_back(work);
}

void memcpy_rows(const DatasetIndex& index, const Mapping& mapping, bool to_floats) {
  const auto& piece = index.train.pieces.front();
  const std::byte* x = mapping.data() + piece.x_offset;
  std::vector<std::byte> batch(kBenchBatch * index.row_bytes());
  std::vector<float> floats(kBenchBatch * index.row_bytes());
  for (uint64_t first = 0; first < index.train.rows; first += kBenchBatch) {
    const size_t rows = std::min(kBenchBatch, index.train.rows - first);
    std::memcpy(batch.data(), x + first * index.row_bytes(), rows * index.row_bytes());
    if (to_floats) {
      kernels::input_batch(reinterpret_cast<const uint8_t*>(batch.data()), floats.data(), rows,
                           image_of(index), index.mean, index.std);
    }
    use(batch.data());
  }
}

datasets::ReaderOptions bench_reader_options(datasets::Tier tier, bool to_floats) {
  datasets::ReaderOptions options;
  options.batch_size = kBenchBatch;
  options.seed = 1;
  options.tier = tier;
  options.contiguous = !to_floats;
  return options;
}

void read_epoch(datasets::Reader& reader, const DatasetIndex& index, uint64_t epoch,
                bool to_floats) {
  std::vector<float> floats(to_floats ? kBenchBatch * index.row_bytes() : 0);
  reader.start(epoch);
  while (const auto* batch = reader.next()) {
    if (to_floats) {
      kernels::input_batch(reinterpret_cast<const uint8_t* const*>(batch->samples), floats.data(),
                           batch->rows, image_of(index), index.mean, index.std);
      use(floats.data());
    } else {
      use(batch->x);
    }
  }
}

void read_samples_with_libhdf5(const DatasetIndex& index, uint64_t rows) {
  const datasets::Permutation order(index.train.rows, 1);
  uint64_t position = 0;
  read_with_libhdf5(index, [&](uint64_t& first, uint64_t& count) {
    count = position < rows ? 1 : 0;
    first = count > 0 ? order(position++) : 0;
  });
}

void read_blocks_with_libhdf5(const DatasetIndex& index) {
  const uint64_t blocks = index.train.rows / index.block_rows;
  const datasets::Permutation order(blocks, 1);
  uint64_t position = 0;
  read_with_libhdf5(index, [&](uint64_t& first, uint64_t& count) {
    count = position < blocks ? index.block_rows : 0;
    first = count > 0 ? order(position++) * index.block_rows : 0;
  });
}

}  // namespace ringtrain::benchmarks
