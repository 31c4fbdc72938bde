// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "job/job_spec.hpp"
#include "job/keys/key_group.hpp"

namespace ringtrain {

KeyGroup<ScriptSpec> script_keys();

}  // namespace ringtrain
