// SPDX-License-Identifier: Apache-2.0
// Contestants of `ringtrain bench data`: each call reads the training rows of a u8 dataset once.
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/file.hpp"
#include "datasets/format/dataset_index.hpp"
#include "datasets/reading/reader.hpp"

namespace ringtrain::benchmarks {

constexpr uint64_t kBenchBatch = 128;
constexpr int kBenchThreads = 16;  // of the raw reader, which has as many reads in flight

// Creates a dataset of random bytes, which nothing on the way can compress, or reuses it.
datasets::DatasetIndex make_bench_dataset(const std::filesystem::path& path, uint64_t sample_bytes,
                                          uint64_t total_bytes);

// Drops the dataset's files from the page cache. Pages that a process has mapped stay.
void drop_from_page_cache(const datasets::DatasetIndex& index);

// The limit of reading: reads the blocks of an epoch in its order, each thread into one buffer.
void pread_blocks(const datasets::DatasetIndex& index, int threads);

// The limit of memory: copies rows in file order, batch by batch; `to_floats` normalises them.
void memcpy_rows(const datasets::DatasetIndex& index, const Mapping& mapping, bool to_floats);

// Our reader. `to_floats`: as on a CPU, rows are converted in place of a copy.
datasets::ReaderOptions bench_reader_options(datasets::Tier tier, bool to_floats);
void read_epoch(datasets::Reader& reader, const datasets::DatasetIndex& index, uint64_t epoch,
                bool to_floats);

// The rate of a program that calls H5Dread: reads the first `rows` rows of a shuffled epoch, or
// blocks in shuffled order.
void read_samples_with_libhdf5(const datasets::DatasetIndex& index, uint64_t rows);
void read_blocks_with_libhdf5(const datasets::DatasetIndex& index);

}  // namespace ringtrain::benchmarks
