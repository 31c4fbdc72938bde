// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "job/document.hpp"
#include "job/job_spec.hpp"

namespace ringtrain {

// Refuses keys of the group `script` that do not fit one another, and variables of `env` that are
// not the job's to set. Throws a job error.
void check_script(const ScriptSpec& spec, const Document& document);

// Whether an environment variable can have this name, and the refusal of one that cannot.
bool is_variable_name(const std::string& name);
inline constexpr const char* kVariableNames =
    "must be a name of letters, digits and _, as NCCL_DEBUG";

}  // namespace ringtrain
