// SPDX-License-Identifier: Apache-2.0
// A JobSpec as JSON, by the job file's own keys, and back: what rank 0 broadcasts and result.json
// keeps.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "job/job_spec.hpp"

namespace ringtrain {

// Returns every key, defaults included, on one line; keys without a value, as an empty name, are
// left out. job_from_json(print_job(spec)) == spec, to the last digit.
std::string print_job(const JobSpec& spec);

// The same as a job file, without keys that have no effect: JSON is YAML. A group stands on one
// line, as people write them.
std::string print_job_file(const JobSpec& spec);

// The same, as a value.
nlohmann::json job_to_json(const JobSpec& spec);

// Keys that are missing take the defaults of JobSpec. For text from print_job: a file goes through
// parse_job, which checks every value. Throws a job error where the text is not such a job.
JobSpec job_from_json(std::string_view text);

// The same, from a value that fits the schema.
JobSpec job_from_value(const nlohmann::json& value);

}  // namespace ringtrain
