// SPDX-License-Identifier: Apache-2.0
// kubectl's configuration files. Several are merged as kubectl merges them: the first file that
// defines a cluster, a user, a context or current-context wins. Paths in a file count from its
// folder.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "mpijob/client/access.hpp"

namespace ringtrain::mpijob {

// The access that `context` gives, or the files' current-context where it is empty. Throws a
// a job error that names file and key.
Access read_kubeconfig(const std::vector<std::filesystem::path>& files, const std::string& context);

}  // namespace ringtrain::mpijob
