// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "base/file.hpp"
#include "runtime/checkpoint/folder.hpp"

namespace ringtrain {

// A whole checkpoint with one small part, "part".
inline std::filesystem::path make_checkpoint(const std::filesystem::path& folder, int64_t step,
                                             std::optional<Evaluation> tested = {},
                                             const std::string& content = "the weights") {
  PendingCheckpoint pending(folder, step);
  write_file(pending.path() / "part", content);
  Manifest manifest;
  manifest.state.step = manifest.state.closed_step = step;
  manifest.state.tested = tested;
  manifest.dataset_uuid = "d-1";
  manifest.train_rows = 100;
  manifest.parts = {describe_part(pending.path(), "part")};
  return pending.commit(manifest);
}

}  // namespace ringtrain
