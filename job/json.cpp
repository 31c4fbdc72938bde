// SPDX-License-Identifier: Apache-2.0
#include "job/json.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "job/keys/idle.hpp"
#include "job/keys/job_keys.hpp"

namespace ringtrain {

nlohmann::json job_to_json(const JobSpec& spec) { return job_group().write(spec); }

std::string print_job(const JobSpec& spec) { return job_to_json(spec).dump(); }

std::string print_job_file(const JobSpec& spec) {
  std::string text;
  nlohmann::json value = job_to_json(spec);
  remove_idle_keys(value);
  for (const auto& [key, child] : value.items()) {
    text += fmt::format("{}: {}\n", key, child.dump());
  }
  return text;
}

JobSpec job_from_value(const nlohmann::json& value) {
  try {
    JobSpec spec;
    job_group().read(value, spec);
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
