// SPDX-License-Identifier: Apache-2.0
// `output`/finish: an empty file that asks a run to end now. Rank 0 looks for it several times a
// second; the ranks then end after the step that they are in, evaluate, and write the model and
// result.json, after which the file is removed. It outlives a crash: the next start of the run ends
// at the checkpoint that it resumes from.
#pragma once

#include <filesystem>

namespace ringtrain {

// Thread: any thread may call these.
// Throws an io error.
void ask_to_finish(const std::filesystem::path& output);
bool is_asked_to_finish(const std::filesystem::path& output);
// Removes the file where it is there. A failure is not reported.
void forget_finish_request(const std::filesystem::path& output);

}  // namespace ringtrain
