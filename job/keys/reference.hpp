// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace ringtrain {

// Returns docs/reference/job-file.md: a table of the keys of each group.
std::string job_reference();

}  // namespace ringtrain
