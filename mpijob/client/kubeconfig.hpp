// SPDX-License-Identifier: Apache-2.0
// kubectl's configuration files. Several are merged as kubectl merges them: the first file that
// defines a cluster, a user, a context or current-context wins. Paths in a file are relative to
// its folder.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "mpijob/client/access.hpp"

namespace ringtrain::mpijob {

// Returns the access of `context`, or of the files' current-context where that is empty. Throws a
// job error that names file and key.
Access read_kubeconfig(const std::vector<std::filesystem::path>& files, const std::string& context);

}  // namespace ringtrain::mpijob
