// SPDX-License-Identifier: Apache-2.0
#include "job/json.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "job/kubernetes_json.hpp"

namespace ringtrain {

NLOHMANN_JSON_SERIALIZE_ENUM(OptimizerSpec::Type, {{OptimizerSpec::Type::sgd, "sgd"},
                                                   {OptimizerSpec::Type::adamw, "adamw"},
                                                   {OptimizerSpec::Type::lars, "lars"}})
NLOHMANN_JSON_SERIALIZE_ENUM(ScheduleSpec::Type, {{ScheduleSpec::Type::constant, "constant"},
                                                  {ScheduleSpec::Type::step, "step"},
                                                  {ScheduleSpec::Type::cosine, "cosine"}})
NLOHMANN_JSON_SERIALIZE_ENUM(CommunicationSpec::Backend,
                             {{CommunicationSpec::Backend::automatic, "auto"},
                              {CommunicationSpec::Backend::shared_memory, "shared_memory"},
                              {CommunicationSpec::Backend::mpi, "mpi"},
                              {CommunicationSpec::Backend::nccl, "nccl"},
                              {CommunicationSpec::Backend::none, "none"}})
NLOHMANN_JSON_SERIALIZE_ENUM(CommunicationSpec::Algorithm,
                             {{CommunicationSpec::Algorithm::automatic, "auto"},
                              {CommunicationSpec::Algorithm::direct, "direct"},
                              {CommunicationSpec::Algorithm::ring, "ring"}})
NLOHMANN_JSON_SERIALIZE_ENUM(CommunicationSpec::Wire, {{CommunicationSpec::Wire::fp32, "fp32"},
                                                       {CommunicationSpec::Wire::bf16, "bf16"}})
NLOHMANN_JSON_SERIALIZE_ENUM(JobSpec::Precision, {{JobSpec::Precision::fp32, "fp32"},
                                                  {JobSpec::Precision::bf16, "bf16"}})
NLOHMANN_JSON_SERIALIZE_ENUM(JobSpec::Device, {{JobSpec::Device::automatic, "auto"},
                                               {JobSpec::Device::cpu, "cpu"},
                                               {JobSpec::Device::cuda, "cuda"}})

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(OptimizerSpec, type, learning_rate, momentum,
                                                nesterov, weight_decay, beta1, beta2, epsilon,
                                                trust)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ScheduleSpec, type, warmup_epochs, milestones,
                                                gamma, final_factor)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(AugmentSpec, crop_padding, horizontal_flip)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(CommunicationSpec, backend, algorithm, bucket_mib,
                                                wire, sync_every, shard_optimizer, timeout_seconds)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(CheckpointSpec, every_epochs, every_steps,
                                                every_seconds, keep, resume)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(RollbackSpec, factor, window, limit)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(WorkersSpec, min, max)

namespace {
// All of JobSpec but max_steps, kubernetes and the paths, which need a word of their own.
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(JobSpec, name, model, hidden, epochs, batch_size,
                                                accumulate, seed, precision, device, cuda_graph,
                                                optimizer, schedule, augment, communication,
                                                checkpoint, rollback, label_smoothing, clip_norm,
                                                max_skipped_steps, evaluate_every_epochs, workers,
                                                restarts, trace)
}  // namespace

nlohmann::json job_to_json(const JobSpec& spec) {
  nlohmann::json value;
  to_json(value, spec);
  value["dataset"] = spec.dataset.string();
  value["output"] = spec.output.string();
  if (!spec.initialize_from.empty()) value["initialize_from"] = spec.initialize_from.string();
  if (spec.max_steps) value["max_steps"] = *spec.max_steps;
  if (spec.kubernetes) value["kubernetes"] = *spec.kubernetes;
  return value;
}

std::string print_job(const JobSpec& spec) { return job_to_json(spec).dump(); }

std::string print_job_file(const JobSpec& spec) {
  std::string text;
  const nlohmann::json value = job_to_json(spec);
  for (const auto& [key, child] : value.items()) {
    text += fmt::format("{}: {}\n", key, child.dump());
  }
  return text;
}

JobSpec job_from_value(const nlohmann::json& value) {
  try {
    JobSpec spec;
    from_json(value, spec);
    spec.dataset = value.value("dataset", "");
    spec.output = value.value("output", "");
    spec.initialize_from = value.value("initialize_from", "");
    if (value.contains("max_steps")) spec.max_steps = value["max_steps"].get<int64_t>();
    if (value.contains("kubernetes")) spec.kubernetes = value["kubernetes"].get<KubernetesSpec>();
    return spec;
  } catch (const nlohmann::json::exception& error) {
    throw job_error(fmt::format("not a job: {}", error.what()));
  }
}

JobSpec job_from_json(std::string_view text) {
  try {
    return job_from_value(nlohmann::json::parse(text));
  } catch (const nlohmann::json::exception& error) {
    throw job_error(fmt::format("not a job: {}", error.what()));
  }
}

}  // namespace ringtrain
