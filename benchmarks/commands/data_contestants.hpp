// SPDX-License-Identifier: Apache-2.0
// What `ringtrain bench data` times: each call goes once over the training rows of a dataset of u8.
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/file.hpp"
#include "datasets/format/plan.hpp"
#include "datasets/reading/reader.hpp"

namespace ringtrain::benchmarks {

constexpr uint64_t kBenchBatch = 128;
constexpr int kBenchThreads = 16;  // of the raw reader, which has as many reads in flight

// A dataset of random bytes, which nothing on the way can compress; one that is there already is
// taken.
datasets::Plan make_bench_dataset(const std::filesystem::path& path, uint64_t sample_bytes,
                                  uint64_t total_bytes);

// Of the dataset's own files. Pages that somebody has mapped stay.
void drop_from_page_cache(const datasets::Plan& plan);

// The limit of reading: the blocks of an epoch, in its order, each thread into one buffer.
void pread_blocks(const datasets::Plan& plan, int threads);

// The limit of memory: rows in the order of the file, batch by batch; then to normalised floats.
void memcpy_rows(const datasets::Plan& plan, const Mapping& mapping, bool to_floats);

// Our reader. With `to_floats` as training on a CPU uses it: rows are converted where they lie.
datasets::ReaderOptions bench_reader_options(datasets::Tier tier, bool to_floats);
void read_epoch(datasets::Reader& reader, const datasets::Plan& plan, uint64_t epoch,
                bool to_floats);

// What a program that calls H5Dread gets: for the first `rows` rows of a shuffled epoch, or for
// blocks in shuffled order.
void read_samples_with_libhdf5(const datasets::Plan& plan, uint64_t rows);
void read_blocks_with_libhdf5(const datasets::Plan& plan);

}  // namespace ringtrain::benchmarks
