// SPDX-License-Identifier: Apache-2.0
// Names in a ringtrain HDF5 file, for the writer and open_dataset. The page
// docs/reference/dataset-file.md describes the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "datasets/format/dataset_index.hpp"

namespace ringtrain::datasets::layout {

// Version 2: samples of i64, or targets. Everything else is written as version 1, which older
// programs read.
constexpr uint64_t kVersion = 2;

// Attributes of the root group.
constexpr const char* kFormatVersion = "ringtrain_format";  // u64
constexpr const char* kUuid = "uuid";                       // string; the same in all shards
constexpr const char* kMean = "mean";                       // f32 [channels]; or a dataset
constexpr const char* kStd = "std";                         // f32 [channels]; or a dataset
// Figures of the targets, f32 [targets]: mean and std over the training rows, the range over all.
constexpr const char* kTargetMean = "target_mean";
constexpr const char* kTargetStd = "target_std";
constexpr const char* kTargetLeast = "target_min";
constexpr const char* kTargetLargest = "target_max";
constexpr const char* kSource = "source";               // string
constexpr const char* kSourceSha256 = "source_sha256";  // string
constexpr const char* kShuffleSeed = "shuffle_seed";    // u64
constexpr const char* kBlockRows = "block_rows";        // u64
// The position of this file's rows in the whole dataset, u64; a whole one is shard 0 of 1.
constexpr const char* kShardIndex = "part_index";
constexpr const char* kShardCount = "part_count";
constexpr const char* kTrainFirstRow = "train_first_row";
constexpr const char* kTrainTotalRows = "train_total_rows";
constexpr const char* kTestFirstRow = "test_first_row";
constexpr const char* kTestTotalRows = "test_total_rows";

// An attribute holds less than 64 KiB: mean and std of more channels are datasets of the same name.
constexpr size_t kMostFloatsInAttribute = 8192;

// Datasets.
constexpr const char* kClassNames = "/class_names";    // fixed-length strings [classes]
constexpr const char* kTargetNames = "/target_names";  // the same [targets], in their place
constexpr const char* kX = "x";               // u8, f32 or i64 [rows, channels, height, width]
constexpr const char* kY = "y";               // labels: i64 [rows]; targets: f32 [rows, targets]
constexpr const char* kXCrc32c = "x_crc32c";  // u32 [blocks]
constexpr const char* kYCrc32c = "y_crc32c";  // u32 [blocks]

constexpr uint64_t kMostTargets = 4096;

// The shuffle seed of rows that are stored in the order of their source.
constexpr uint64_t kSourceOrder = ~uint64_t{0};

// Returns the path of a dataset of a split: "/train/x".
inline std::string path(Split split, const char* name) {
  std::string result = "/";
  result += name_of(split);
  result += '/';
  result += name;
  return result;
}

}  // namespace ringtrain::datasets::layout
