// SPDX-License-Identifier: Apache-2.0
// Keys of a job that have no effect beside another key or its value, as momentum beside adamw.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "job/document.hpp"

namespace ringtrain {

// Returns a line for each key of a job file that has no effect: "job.yaml:5: optimizer.momentum:
// has no effect, as optimizer.type is adamw". Requires: check_document() accepts the document.
std::vector<std::string> notes_on_idle_keys(const Document& document);

// Removes such keys from a job with all its keys.
void remove_idle_keys(nlohmann::json& job);

}  // namespace ringtrain
