// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/submission.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <system_error>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/url.hpp"
#include "job/keys/idle.hpp"
#include "job/models.hpp"
#include "server/datasets/buckets.hpp"
#include "server/datasets/datasets.hpp"
#include "server/datasets/fetch.hpp"

namespace ringtrain::server {
namespace {

namespace fs = std::filesystem;

// Returns whether `path` lies in `folder`; both canonical.
bool lies_in(const fs::path& path, const fs::path& folder) {
  const auto [end, rest] = std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
  return end == folder.end();
}

std::vector<std::string> texts(const std::vector<fs::path>& paths) {
  return {paths.begin(), paths.end()};
}

// Looks at a job's paths, and at what this machine can do.
class Checker {
 public:
  Checker(const Submission& submission, const JobLimits& limits, CheckedJob& checked)
      : submission_(submission), limits_(limits), checked_(checked), job_(checked.job) {}

  void check() {
    check_name();
    check_ranks();
    if (job_.script) {
      check_script(*job_.script);
    } else {
      check_training_files();
    }
    if (job_.kubernetes)
      warn("kubernetes: is left out, since this server runs jobs on its own machine");
    if (is_url(job_.output)) {
      check_url("output", job_.output.string());
    } else if (job_.output != fs::path("runs") / job_.name) {
      warn("output: is left out, since the server keeps a job's output beside the job");
    }
    fill_record(submission_, checked_);
  }

 private:
  void refuse(const std::string& path, const std::string& message, const std::string& allowed) {
    checked_.refusals.push_back({path, 0, message, allowed});
  }
  void warn(const std::string& text) { checked_.record.warnings.push_back(text); }

  void check_training_files() {
    check_dataset();
    if (!job_.initialize_from.empty()) {
      check_place("initialize_from", job_.initialize_from, "correct the path");
    }
    const std::string& resume = job_.checkpoint.resume;
    if (resume != "auto" && resume != "never") {
      check_path("checkpoint.resume", resume, "give auto, never, or a path below the data folders");
    }
    if (is_torchscript_path(job_.model)) check_torchscript();
  }

  // Relative paths of a script count from its directory, and that from the first data folder.
  void check_script(const ScriptSpec& script) {
    if (!limits_.scripts) {
      return refuse("script",
                    "is a program, and this server runs none: its owner allows them by starting "
                    "it with --allow-scripts",
                    "a job with a model and a dataset");
    }
    check_path("script.directory", script.directory.empty() ? "." : script.directory,
               "correct the path");
    const bool is_path = script.is_python() || script.target.find('/') != std::string::npos;
    if (script.kind == ScriptSpec::Kind::file && is_path) {
      check_path("script.file", script.directory / script.target, "correct the path");
    }
  }

  void check_name() {
    checked_.record.name = submission_.name.empty() ? job_.name : submission_.name;
    if (!is_job_name(checked_.record.name)) {
      constexpr const char* kAllowed =
          "lower-case letters, digits and '-', at most 63, with a letter or digit at both ends";
      refuse("name",
             fmt::format("must be {}, found '{}'", kAllowed, checked_.record.name.substr(0, 80)),
             kAllowed);
    }
  }

  void check_ranks() {
    int ranks = submission_.ranks;
    const bool is_elastic = job_.elastic == JobSpec::Elastic::throughput;
    if (ranks == 0) ranks = std::max(1, is_elastic ? job_.workers.min : job_.workers.max);
    checked_.record.ranks = ranks;
    if (is_elastic && job_.workers.max <= std::max(1, job_.workers.min)) {
      refuse("elastic",
             "throughput needs workers.min and a larger workers.max, as in 'workers: {min: 1, max: "
             "4}'",
             "off, or throughput beside workers.min and a larger workers.max");
    }
    if (ranks < 1 || ranks > limits_.cores) {
      refuse(
          "ranks",
          fmt::format("must be 1 to {}, the cores of this server, found {}", limits_.cores, ranks),
          fmt::format("a whole number, 1 to {}", limits_.cores));
    } else if (!job_.script && ranks > job_.batch_size) {
      refuse("ranks",
             fmt::format("must not be above batch_size ({}): every rank needs a sample of "
                         "each step, found {}",
                         job_.batch_size, ranks),
             fmt::format("a whole number, 1 to {}",
                         std::min<int64_t>(limits_.cores, job_.batch_size)));
    }
  }

  // Refuses a path outside of the data folders, and adds the override that makes it absolute.
  void check_path(const std::string& key, const fs::path& path, const std::string& cure) {
    const DataPath found = find_data_path(limits_, path);
    if (found.refusal.empty()) {
      checked_.record.overrides.push_back(override_of(key, found.path.string()));
    } else {
      const bool is_missing = !found.path.empty();
      refuse(key, found.refusal + (is_missing ? ": " + cure : ""), found.allowed);
    }
  }

  // Refuses a URL that a job may not use, and adds it as it is. What is https is read from public
  // addresses alone: RINGTRAIN_URLS in the job's environment.
  void check_url(const std::string& key, const std::string& url) {
    const bool is_web = url.starts_with("https://") && key != "output";
    const std::string why = url.starts_with("http://") ? "is plain http: use https or s3"
                            : is_web                   ? refusal_of_url(url, {})
                                     : refusal_of_bucket_url(url, limits_.buckets);
    if (!why.empty())
      return refuse(key, why, "s3://BUCKET/KEY of the server's --bucket, or a path");
    checked_.record.overrides.push_back(override_of(key, url));
  }

  void check_place(const std::string& key, const fs::path& place, const std::string& cure) {
    if (is_url(place)) {
      check_url(key, place.string());
    } else {
      check_path(key, place, cure);
    }
  }

  // A name among the server's datasets, a URL, or a path.
  void check_dataset() {
    const fs::path stored = find_stored_dataset(limits_.datasets, job_.dataset.string());
    if (stored.empty()) {
      return check_place("dataset", job_.dataset,
                         "make one with 'ringtrain dataset import', or name one of the server's "
                         "datasets");
    }
    checked_.record.stored_dataset = job_.dataset.string();
    checked_.record.overrides.push_back(override_of("dataset", stored.string()));
  }

  void check_torchscript() {
    if (!limits_.torchscript) {
      refuse("model",
             "is a TorchScript file, which is a program: the server's owner allows them with "
             "--allow-torchscript",
             "a model that ringtrain has");
    } else {
      check_path("model", job_.model, "write one with torch.jit.script(model).save('model.pt')");
    }
  }

  const Submission& submission_;
  const JobLimits& limits_;
  CheckedJob& checked_;
  JobSpec& job_;
};

}  // namespace

std::string override_of(const std::string& key, const nlohmann::json& value) {
  return fmt::format("{}={}", key, value.dump());
}

void fill_record(const Submission& submission, CheckedJob& checked) {
  const JobSpec& job = checked.job;
  JobRecord& record = checked.record;
  record.by = submission.by;
  record.parent = submission.parent;
  record.restarts = job.restarts;
  nlohmann::json understood = job_to_json(job);
  if (job.script) {
    record.script = job.script->title();
    remove_idle_keys(understood);
  } else {
    record.model =
        is_torchscript_path(job.model) ? fs::path(job.model).filename().string() : job.model;
    record.dataset = job.dataset.filename().string();
  }
  record.understood = understood.dump();
}

DataPath find_data_path(const JobLimits& limits, const fs::path& path) {
  std::error_code error;
  const fs::path found = fs::weakly_canonical(limits.data.front() / path, error);
  const bool inside =
      !error && std::any_of(limits.data.begin(), limits.data.end(),
                            [&](const fs::path& root) { return lies_in(found, root); });
  const std::string allowed =
      fmt::format("the path of a file below {}", fmt::join(texts(limits.data), " or "));
  if (!inside) {
    return {
        .refusal = fmt::format("lies outside of the folders that jobs may read: {}; the server's "
                               "owner allows more with --data DIR",
                               fmt::join(texts(limits.data), ", ")),
        .allowed = allowed};
  }
  if (!fs::exists(found, error)) {
    return {.path = found,
            .refusal = fmt::format("is not there: {} (relative paths count from {})", path.string(),
                                   limits.data.front().string()),
            .allowed = allowed};
  }
  return {.path = found};
}

bool is_job_name(const std::string& name) {
  const auto is_plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !name.empty() && name.size() <= 63 && is_plain(name.front()) && is_plain(name.back()) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return is_plain(c) || c == '-'; });
}

nlohmann::ordered_json errors_of(const std::vector<Refusal>& refusals) {
  auto errors = nlohmann::ordered_json::array();
  for (const Refusal& one : refusals) {
    errors.push_back({{"path", one.path},
                      {"line", one.line > 0 ? nlohmann::ordered_json(one.line) : nullptr},
                      {"message", one.message},
                      {"allowed", one.allowed}});
  }
  return errors;
}

CheckedJob check_submission(const Submission& submission, const JobLimits& limits) {
  CheckedJob checked;
  checked.refusals = find_refusals(submission.job_file, {}, &checked.job, &checked.record.warnings);
  if (!checked.refusals.empty()) return checked;
  Checker(submission, limits, checked).check();
  return checked;
}

}  // namespace ringtrain::server
