// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "runtime/checkpoint/training_state.hpp"

namespace ringtrain {

// A file of a checkpoint.
struct CheckpointPart {
  std::string file;  // its name in the checkpoint's folder
  uint64_t bytes = 0;
  uint32_t crc32c = 0;
};

// What a checkpoint is: the file manifest.json in its folder, written last, so that a checkpoint
// without it is none. It carries a CRC32C of itself.
struct Manifest {
  TrainingState state;
  nlohmann::json job;  // the job it was made by, as job_to_json()
  std::string dataset_uuid;
  uint64_t train_rows = 0;
  std::vector<CheckpointPart> parts;
};

// Into the folder, flushed to disk. Throws a data error.
void write_manifest(const std::filesystem::path& folder, const Manifest& manifest);

// Throws a data error, with one line that names the file, where there is none or it is damaged.
Manifest read_manifest(const std::filesystem::path& folder);

// As a part of a manifest, a file that is written.
CheckpointPart describe_part(const std::filesystem::path& folder, const std::string& file);

// Reads all parts and holds them against the manifest. Throws a data error, with one line that
// names the damaged file.
void check_parts(const std::filesystem::path& folder, const Manifest& manifest);

}  // namespace ringtrain
