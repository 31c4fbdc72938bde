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

// Contents of manifest.json in a checkpoint's folder. It is written last, so that a folder without
// it is no checkpoint, and it carries a CRC32C of itself.
struct Manifest {
  TrainingState state;
  nlohmann::json job;  // the job that made it, as job_to_json()
  std::string dataset_uuid;
  uint64_t train_rows = 0;
  std::vector<CheckpointPart> parts;
};

// Writes the manifest into the folder, flushed to disk. Throws a data error.
void write_manifest(const std::filesystem::path& folder, const Manifest& manifest);

// Throws a data error, one line that names the file, if it is missing or damaged.
Manifest read_manifest(const std::filesystem::path& folder);

// Returns the size and checksum of a file that has been written.
CheckpointPart describe_part(const std::filesystem::path& folder, const std::string& file);

// Reads all parts and compares them with the manifest. Throws a data error, one line that names the
// damaged file.
void check_parts(const std::filesystem::path& folder, const Manifest& manifest);

}  // namespace ringtrain
