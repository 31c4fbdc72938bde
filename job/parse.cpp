// SPDX-License-Identifier: Apache-2.0
#include "job/parse.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "base/url.hpp"
#include "job/document.hpp"
#include "job/keys/check.hpp"
#include "job/keys/idle.hpp"
#include "job/keys/key_text.hpp"
#include "job/keys/script_check.hpp"
#include "job/kubernetes_check.hpp"
#include "job/models.hpp"
#include "job/yaml.hpp"

namespace ringtrain {
namespace {

using nlohmann::json;

// Erases the origins of the key and of all below it.
void erase_origins(Document& document, const std::string& path) {
  std::erase_if(document.origins, [&](const auto& entry) {
    const std::string& key = entry.first;
    return key.starts_with(path) &&
           (key.size() == path.size() || key[path.size()] == '.' || key[path.size()] == '[');
  });
}

void apply_override(Document& document, const std::string& override_text) {
  const auto equals = override_text.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw job_error(fmt::format("--set {}: must be key=value, as in --set optimizer.type=adamw",
                                in_quotes(override_text)));
  }
  const std::string path = override_text.substr(0, equals);
  const std::string here = "--set " + path;
  Document value = parse_override_value(override_text.substr(equals + 1), path);

  json* group = &document.value;
  std::string group_path;
  size_t start = 0;
  for (;;) {
    if (!group->is_object()) {
      throw job_error(fmt::format("{}: {} ({}) is not a group of keys", here, group_path,
                                  document.origin(group_path)));
    }
    const auto dot = path.find('.', start);
    const std::string key = path.substr(start, dot == std::string::npos ? dot : dot - start);
    if (key.empty()) throw job_error(here + ": a part of the key is empty");
    const std::string key_path = join_path(group_path, key);
    if (dot == std::string::npos) {
      erase_origins(document, key_path);
      if (value.value.is_null()) {
        group->erase(key);
      } else {
        (*group)[key] = std::move(value.value);
        document.origins[key_path] = here;
      }
      return;
    }
    if (!group->contains(key)) {
      if (value.value.is_null()) return;
      (*group)[key] = json::object();
      document.origins[key_path] = here;
    }
    group = &(*group)[key];
    group_path = key_path;
    start = dot + 1;
  }
}

Document read_document(const std::string& text, const std::string& name,
                       std::span<const std::string> overrides) {
  Document document = parse_yaml(text, name);
  if (!document.value.is_object()) {
    document.refuse("",
                    "must be a group of keys, as in 'model: lenet' (with a space after the colon)");
  }
  for (const std::string& override_text : overrides) apply_override(document, override_text);
  return document;
}

// Returns the name of a job without one: its file's.
std::string name_from_file(const std::string& file) {
  std::string name = std::filesystem::path(file).stem().string().substr(0, 63);
  for (char& c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (!std::isalnum(byte) && c != '.' && c != '_' && c != '-') c = '-';
  }
  const auto first = std::find_if(name.begin(), name.end(),
                                  [](unsigned char c) { return c < 0x80 && std::isalnum(c) != 0; });
  name.erase(name.begin(), first);
  return name.empty() ? "job" : name;
}

void check_communication(const JobSpec& job, const Document& document) {
  const CommunicationSpec& communication = job.communication;
  if (communication.sync_every > 1 && communication.shard_optimizer) {
    document.refuse("communication.shard_optimizer",
                    "cannot be had with sync_every above 1: between two averages each rank needs "
                    "the whole optimizer");
  }
  if (communication.sync_every > 1 && communication.wire == CommunicationSpec::Wire::bf16) {
    document.refuse("communication.wire",
                    "bf16 is for gradients, but with sync_every above 1 parameters are sent: use "
                    "fp32");
  }
  if (communication.sync_every > 1 && job.rollback.factor > 0) {
    document.refuse("rollback.factor",
                    "needs the loss of every step, which no rank knows with "
                    "communication.sync_every above 1");
  }
  if (communication.backend == CommunicationSpec::Backend::nccl &&
      job.device == JobSpec::Device::cpu) {
    document.refuse("communication.backend", "nccl needs GPUs, but device is cpu");
  }
  if (communication.backend == CommunicationSpec::Backend::shared_memory &&
      job.device == JobSpec::Device::cuda) {
    document.refuse("communication.backend",
                    "shared_memory is for CPU ranks, but device is cuda: use auto, nccl or mpi");
  }
}

void check_output_url(const JobSpec& job, const Document& document) {
  if (!is_url(job.output)) return;
  const std::string& url = job.output.native();
  const size_t bucket = url.find("//") + 2;
  const size_t slash = url.find('/', bucket);
  if (url[0] == 's' && slash != std::string::npos && slash + 1 < url.size()) return;
  document.refuse("output", fmt::format("must be a folder, or s3://BUCKET/PREFIX, found {}",
                                        in_quotes(printable_url(url))));
}

// Refuses keys of a training run that do not fit one another.
void check_training(const JobSpec& job, const Document& document) {
  if (!is_zoo_model(job.model) && !is_torchscript_path(job.model)) {
    const std::string meant = closest_zoo_model(job.model);
    document.refuse("model",
                    fmt::format("must be one of {}, or the path of a TorchScript file (with a '/' "
                                "or ending in .pt), found {}{}",
                                zoo_model_list(), in_quotes(job.model),
                                meant.empty() ? "" : fmt::format(", did you mean {}?", meant)));
  }
  if (!job.hidden.empty() && job.model != "mlp") {
    document.refuse("hidden", fmt::format("is for the model mlp alone, not for {}", job.model));
  }
  const bool resnet = is_zoo_model(job.model) && job.model.starts_with("resnet");
  if (job.stem != JobSpec::Stem::automatic && !resnet) {
    document.refuse("stem", fmt::format("is for resnets alone, not for {}", job.model));
  }
  if (job.batch_size % job.accumulate != 0) {
    document.refuse("accumulate", fmt::format("must divide batch_size ({}) without a remainder, "
                                              "found {}",
                                              job.batch_size, job.accumulate));
  }
  if (job.optimizer.nesterov && job.optimizer.type != OptimizerSpec::Type::sgd) {
    document.refuse("optimizer.nesterov", "is for sgd alone");
  }
  if (job.optimizer.nesterov && job.optimizer.momentum == 0) {
    document.refuse("optimizer.nesterov", "needs a momentum above 0");
  }
  const auto& milestones = job.schedule.milestones;
  if (job.schedule.type == ScheduleSpec::Type::step && milestones.empty()) {
    document.refuse("schedule.milestones", "is missing: a step schedule needs at least one epoch");
  }
  for (size_t i = 1; i < milestones.size(); ++i) {
    if (milestones[i] <= milestones[i - 1]) {
      document.refuse(join_path("schedule.milestones", i),
                      fmt::format("must be above the one before it ({}), found {}",
                                  milestones[i - 1], milestones[i]));
    }
  }
  if (job.schedule.warmup_epochs > static_cast<double>(job.epochs)) {
    document.refuse("schedule.warmup_epochs", fmt::format("must not be above epochs ({}), found {}",
                                                          job.epochs, job.schedule.warmup_epochs));
  }
  if (job.augment.resizes() && job.augment.crop_padding > 0) {
    document.refuse("augment.crop_scale", "is a crop, and augment.crop_padding another: give one");
  }
  check_communication(job, document);
  check_output_url(job, document);
  if (job.rollback.factor > 0 && job.rollback.factor <= 1) {
    document.refuse("rollback.factor",
                    fmt::format("must be above 1, or 0 for never, found {}", job.rollback.factor));
  }
  if (job.workers.min > job.batch_size) {
    document.refuse("workers.min",
                    fmt::format("must not be above batch_size ({}): each needs a sample, found {}",
                                job.batch_size, job.workers.min));
  }
}

// Refuses keys that do not fit one another.
void check_across_keys(const JobSpec& job, const Document& document) {
  if (job.script && is_url(job.output)) {
    document.refuse("output", "must be a folder where a script writes to it");
  }
  if (job.script) {
    check_script(*job.script, document);
  } else {
    check_training(job, document);
  }
  if (job.kubernetes) check_kubernetes(*job.kubernetes, job.script.has_value(), document);
  if (job.workers.max != 0 && job.workers.min > job.workers.max) {
    document.refuse("workers.min", fmt::format("must not be above workers.max ({}), found {}",
                                               job.workers.max, job.workers.min));
  }
}

JobSpec job_of(const Document& document, const std::string& name) {
  JobSpec job = job_from_value(document.value);
  if (job.name.empty()) job.name = name_from_file(name);
  if (job.output.empty()) job.output = std::filesystem::path("runs") / job.name;
  for (auto* const path : {&job.dataset, &job.initialize_from, &job.output}) {
    *path = without_file_scheme(*path);
  }
  // s3:///KEY: the bucket that kubejob's pods name.
  const char* const bucket = std::getenv("trainingbucket");
  if (constexpr std::string_view kNone = "s3:///";
      bucket != nullptr && job.output.native().starts_with(kNone)) {
    job.output = fmt::format("s3://{}/{}", bucket, job.output.native().substr(kNone.size()));
  }
  check_across_keys(job, document);
  return job;
}

// Returns the number after "NAME:" at the start of a place or a message; 0 where there is none.
int line_of(const std::string& text, const std::string& name) {
  if (!text.starts_with(name + ":")) return 0;
  return static_cast<int>(std::strtol(text.c_str() + name.size() + 1, nullptr, 10));
}

}  // namespace

JobSpec parse_job_text(const std::string& text, const std::string& name,
                       std::span<const std::string> overrides, std::vector<std::string>* notes) {
  const Document document = read_document(text, name, overrides);
  check_document(document, job_keys());
  JobSpec job = job_of(document, name);
  if (notes != nullptr) *notes = notes_on_idle_keys(document);
  return job;
}

std::vector<Refusal> find_refusals(const std::string& text, std::span<const std::string> overrides,
                                   JobSpec* job, std::vector<std::string>* notes) {
  const std::string name = "job.yaml";
  std::vector<Refusal> refusals;
  const auto add = [&](const RefusedKey& refused) {
    refusals.push_back({refused.path(), line_of(refused.origin(), name), refused.problem(),
                        allowed_at(refused.path())});
  };
  try {
    const Document document = read_document(text, name, overrides);
    check_document(document, job_keys(), add);
    if (refusals.empty()) {
      JobSpec found = job_of(document, name);
      if (job != nullptr) *job = std::move(found);
      if (notes != nullptr) *notes = notes_on_idle_keys(document);
    }
  } catch (const RefusedKey& refused) {
    add(refused);
  } catch (const Error& error) {  // of the text as a whole, with its place in front
    const std::string message = error.what();
    const size_t place = message.find(": ");
    refusals.push_back({"", line_of(message, name),
                        place == std::string::npos ? message : message.substr(place + 2),
                        allowed_at("")});
  }
  return refusals;
}

JobSpec parse_job(const std::filesystem::path& file, std::span<const std::string> overrides,
                  std::vector<std::string>* notes) {
  return parse_job_text(read_job_text(file), file.string(), overrides, notes);
}

}  // namespace ringtrain
