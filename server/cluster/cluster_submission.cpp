// SPDX-License-Identifier: Apache-2.0
#include "server/cluster/cluster_submission.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "mpijob/objects/render.hpp"
#include "server/problem.hpp"

namespace ringtrain::server {
namespace {

namespace fs = std::filesystem;

class Checker {
 public:
  Checker(const Submission& submission, const std::string& name_space, CheckedJob& checked)
      : submission_(submission), name_space_(name_space), checked_(checked), job_(checked.job) {}

  void check() {
    if (!job_.kubernetes) job_.kubernetes.emplace();
    check_namespace();
    take_name();
    take_ranks();
    if (job_.elastic != JobSpec::Elastic::off) {
      checked_.record.warnings.emplace_back(
          "elastic: is left out, since the cluster's own queue decides; 'ringtrain scale' changes "
          "the number of pods");
    }
    checked_.record.cluster = name_space_;
    fill_record(submission_, checked_);
    if (checked_.refusals.empty()) try_to_render();
  }

 private:
  void refuse(const std::string& path, const std::string& message, const std::string& allowed) {
    checked_.refusals.push_back({path, 0, message, allowed});
  }

  void check_namespace() {
    const std::string& own = job_.kubernetes->name_space;
    if (own.empty() || own == name_space_) return;
    refuse("kubernetes.namespace",
           fmt::format("must be {}, the namespace of this server, or be left out, found '{}'",
                       name_space_, own.substr(0, 80)),
           name_space_);
  }

  void take_name() {
    const std::string name = submission_.name.empty() ? job_.name : submission_.name;
    checked_.record.name = name;
    if (!is_job_name(name)) {
      refuse("name", "must be lower-case letters, digits and '-', at most 63", "a DNS label");
    }
  }

  void take_ranks() {
    const int slots = job_.kubernetes->slots();
    checked_.record.slots = slots;
    checked_.record.ranks = slots * job_.kubernetes->workers;
    if (submission_.ranks == 0 || submission_.ranks == checked_.record.ranks) return;
    if (submission_.ranks % slots != 0) {
      return refuse("ranks",
                    fmt::format("must be a multiple of {}, the ranks of a pod "
                                "(kubernetes.slots_per_worker), found {}",
                                slots, submission_.ranks),
                    fmt::format("a multiple of {}", slots));
    }
    job_.kubernetes->workers = submission_.ranks / slots;
    checked_.record.ranks = submission_.ranks;
    checked_.record.overrides.push_back(
        override_of("kubernetes.workers", job_.kubernetes->workers));
  }

  void try_to_render() {
    JobSpec named = job_;
    named.name = checked_.record.name;
    try {
      mpijob::render(named, submission_.job_file);
    } catch (const Error& error) {
      // "output: /x is on no volume": the key comes first.
      const std::string text = error.what();
      const auto colon = text.find(": ");
      const std::string key = text.substr(0, colon);
      const bool has_key = colon != std::string::npos && key.find(' ') == std::string::npos;
      refuse(has_key ? key : "", has_key ? text.substr(colon + 2) : text, "");
    }
  }

  const Submission& submission_;
  const std::string& name_space_;
  CheckedJob& checked_;
  JobSpec& job_;
};

}  // namespace

void rename_in_cluster(CheckedJob& checked, const std::string& name) {
  checked.record.name = name;
  const JobSpec& job = checked.job;
  if (name == job.name) return;
  checked.record.overrides.push_back(override_of("name", name));
  if (job.script && job.output.is_relative()) return;  // goes with its pods
  if (job.output.filename() != job.name) {
    const std::string message = fmt::format(
        "{} would be written by two jobs: end it with the job's name, {}, so that a copy gets "
        "another one, or send the job with another output",
        job.output.string(), job.name);
    throw Problem(422, "output: " + message, {{"errors", errors_of({{"output", 0, message}})}});
  }
  checked.record.overrides.push_back(
      override_of("output", (job.output.parent_path() / name).string()));
}

CheckedJob check_for_cluster(const Submission& submission, const std::string& name_space) {
  CheckedJob checked;
  checked.refusals = find_refusals(submission.job_file, {}, &checked.job, &checked.record.warnings);
  if (checked.refusals.empty()) Checker(submission, name_space, checked).check();
  return checked;
}

}  // namespace ringtrain::server
