// SPDX-License-Identifier: Apache-2.0
#include "runtime/checkpoint/writer.hpp"

#include <chrono>
#include <utility>

#include "base/check.hpp"
#include "base/stopwatch.hpp"
#include "runtime/checkpoint/folder.hpp"
#include "runtime/models/model_files.hpp"

namespace ringtrain {
namespace {

using Tensors = std::vector<NamedTensor>;

constexpr const char* kWeights = "weights.safetensors";
constexpr const char* kOptimizer = "optimizer.safetensors";

CheckpointWriter::Outcome write_now(const std::filesystem::path& folder, int keep,
                                    const Tensors& weights, const Tensors& optimizer,
                                    Manifest manifest) {
  CheckpointWriter::Outcome outcome;
  outcome.step = manifest.state.step;
  try {
    const Stopwatch stopwatch(outcome.seconds);
    PendingCheckpoint pending(folder, manifest.state.step);
    write_safetensors(pending.path() / kWeights, weights, {{"format", "pt"}});
    write_safetensors(pending.path() / kOptimizer, optimizer, {});
    for (const char* file : {kWeights, kOptimizer}) {
      manifest.parts.push_back(describe_part(pending.path(), file));
      outcome.bytes += manifest.parts.back().bytes;
    }
    outcome.path = pending.commit(manifest);
  } catch (const std::exception& error) {
    outcome.failure = error.what();
    return outcome;
  }
  try {
    prune_checkpoints(folder, keep);
  } catch (const std::exception& error) {
    outcome.complaint = error.what();
  }
  return outcome;
}

}  // namespace

void CheckpointWriter::write(const Snapshot& snapshot, const Model& model, const SlabLayout& layout,
                             Manifest manifest) {
  RINGTRAIN_CHECK(idle());
  write_ =
      std::async(std::launch::async, write_now, folder_, keep_, weights_of(snapshot, model, layout),
                 optimizer_tensors_of(snapshot, model, layout), std::move(manifest));
}

bool CheckpointWriter::idle() const {
  return !write_.valid() || write_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

std::optional<CheckpointWriter::Outcome> CheckpointWriter::outcome(bool wait) {
  if (!write_.valid() || (!wait && !idle())) return std::nullopt;
  return write_.get();
}

}  // namespace ringtrain
