// SPDX-License-Identifier: Apache-2.0
// Files that commands write: nothing is replaced, and no folder made elsewhere, unasked.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace ringtrain::launcher {

// Throws a job error if the file exists, unless `force`.
void refuse_to_replace(const std::filesystem::path& file, bool force);

// Throws a job error if the file is one of the sources, or would replace a file in a folder of them
// that is no dataset.
void refuse_own_source(const std::string& file, const std::vector<std::string>& sources);

// Throws a job error if the file's folder is missing and lies outside the working directory, unless
// `parents`; or if the file is a folder.
void check_folder(const std::string& file, bool parents);

}  // namespace ringtrain::launcher
