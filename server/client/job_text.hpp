// SPDX-License-Identifier: Apache-2.0
// A job as a server's JSON has it, in words.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace ringtrain::server {

// "mnist: Running, epoch 2/3, step 440 of 1,407, loss 0.31, 9,120 samples/s, 2 min left", or
// "mnist: Queued: waits for 4 of 8 cores".
std::string job_line(const nlohmann::ordered_json& job);

// "epoch 2/3, 31%", as a table has it; "-" before the first step.
std::string progress_column(const nlohmann::ordered_json& job);

// Whether nothing happens to it unless somebody asks for it.
bool has_ended(const nlohmann::ordered_json& job);

// Returns the exit code of a job that has ended: 0 for a model, else that of its run, else 4.
int exit_code_of_job(const nlohmann::ordered_json& job);

}  // namespace ringtrain::server
