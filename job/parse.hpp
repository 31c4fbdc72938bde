// SPDX-License-Identifier: Apache-2.0
// From a job file to a JobSpec that can be trusted:
//
//   YAML -> JSON with lines (yaml.hpp) -> --set overrides -> check of each key (keys/check.hpp)
//        -> JobSpec, with defaults (json.hpp) -> checks across keys
//
// Every refusal is a job error "job.yaml:3: optimizer.type: what is wrong and what is allowed", or
// "--set optimizer.type: ..." where an override brought it in. Nothing here looks at other files:
// see paths.hpp. Relative paths in a job count from the working directory.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "job/job_spec.hpp"
#include "job/json.hpp"

namespace ringtrain {

// `overrides` are "key.sub=value", the value in YAML; "key=" takes a key away. The last one wins.
// `notes` gets a line for each key that has no effect.
JobSpec parse_job(const std::filesystem::path& file, std::span<const std::string> overrides = {},
                  std::vector<std::string>* notes = nullptr);

// The same for a text in memory; `name` stands for the file in messages.
JobSpec parse_job_text(const std::string& text, const std::string& name,
                       std::span<const std::string> overrides = {},
                       std::vector<std::string>* notes = nullptr);

// One thing that is wrong with a job.
struct Refusal {
  std::string path;          // "optimizer.type"; empty: the whole
  int line = 0;              // of the text, from 1; 0: none, as of an override
  std::string message;       // the problem and what is allowed, without file and key
  std::string allowed = {};  // what may stand there, by itself
};

// Returns everything that parse_job_text() would refuse, one after the other: every key by itself,
// and where all of them fit, the first rule across keys. Empty where it would return a job.
// `job` gets that job, `notes` a line for each key that has no effect.
std::vector<Refusal> find_refusals(const std::string& text,
                                   std::span<const std::string> overrides = {},
                                   JobSpec* job = nullptr,
                                   std::vector<std::string>* notes = nullptr);

}  // namespace ringtrain
