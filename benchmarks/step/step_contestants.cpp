// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/step/step_contestants.hpp"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <utility>

#include "base/file.hpp"
#include "base/temporary_folder.hpp"
#include "benchmarks/commands/rounds.hpp"

namespace ringtrain::benchmarks {

using namespace launcher;
namespace {

namespace fs = std::filesystem;

void write_job(const fs::path& file, const StepOptions& options, const std::string& model,
               const std::string& backend, int64_t steps) {
  write_file(
      file,
      fmt::format(
          "model: {}\ndataset: {}\nepochs: 100000\nmax_steps: {}\nbatch_size: {}\ndevice: {}\n"
          "optimizer: {{type: sgd, learning_rate: 0.05, momentum: 0.9, nesterov: true, "
          "weight_decay: 0.0005}}\ncommunication: {{backend: {}}}\n"
          "checkpoint: {{every_epochs: 0, resume: never}}\nevaluate_every_epochs: 0\n",
          model, fs::absolute(options.dataset).string(), steps, kGlobalBatch, options.device,
          backend));
}

StepSample train_peer(const RankLayout& layout, const StepOptions& options,
                      const std::string& model, const std::string& mode) {
  const bool cuda = options.device == "cuda";
  std::string script = options.peer;
  if (script.empty())
    script = cuda ? "benchmarks/peers/card_step.py" : "benchmarks/peers/ddp_step.py";
  std::vector<std::string> program = {options.python, script};
  if (cuda) {
    // Precision as the job's own default.
    program.insert(program.end(), {"--models", model, "--modes", mode, "--precisions", "tf32"});
  } else {
    program.insert(program.end(), {mode, model});
  }
  program.insert(program.end(),
                 {options.dataset, "--batch", std::to_string(kGlobalBatch), "--seconds",
                  std::to_string(options.seconds), "--port", std::to_string(free_port())});
  const auto result = run_peers(layout, program, std::chrono::minutes(10));
  StepSample sample;
  sample.rate = result.at("samples_per_second").get<double>();
  if (!cuda) {
    sample.steps.push_back(result.at("step_seconds").get<StepSeconds>());
    for (const auto& usage : result.at("usage_by_rank")) sample.usage.push_back(usage_of(usage));
  }
  count_steady_steps(sample, kGlobalBatch);
  return sample;
}

// Names of PyTorch's ways to train, for the table, and of their modes, for the script.
std::vector<std::pair<std::string, std::string>> peers_on(const std::string& device) {
  if (device == "cuda") {
    return {{"DDP, eager", "eager"}, {"DDP, one graph", "graph"}, {"DDP, compiled", "compiled"}};
  }
  return {{"DDP, tuned", "tuned"}, {"DDP, DataLoader", "loader"}};
}

}  // namespace

StepSample train(const RankLayout& layout, const StepOptions& options, const std::string& model,
                 const std::string& backend, int64_t steps) {
  const TemporaryFolder folder("ringtrain-bench.");
  const fs::path job = folder.path() / "job.yaml";
  write_job(job, options, model, backend, steps);
  return run_training(layout, {.file = job.string(),
                               .set = {},
                               .global_batch = kGlobalBatch,
                               .traced = options.device == "cpu"});
}

std::vector<Contestant> contestants_of(const RankLayout& layout, const StepOptions& options,
                                       const std::string& model, int64_t steps, bool with_peers) {
  std::vector<Contestant> contestants;
  contestants.push_back(
      {kOurs, [&, steps] { return train(layout, options, model, "auto", steps); }});
  contestants.push_back(
      {kAlone, [&, steps] { return train(layout, options, model, "none", steps); }});
  if (!with_peers) return contestants;
  for (const auto& [name, mode] : peers_on(options.device)) {
    contestants.push_back(
        {name, [&, mode = mode] { return train_peer(layout, options, model, mode); }});
  }
  return contestants;
}

}  // namespace ringtrain::benchmarks
