// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace ringtrain::launcher {

// The program `kubeml`, which is ringtrain under another name: the verbs of KubeML's own, on a
// `ringtrain server`. Returns its exit code. Throws an Error.
int run_kubeml(std::vector<std::string> arguments, const std::string& version);

}  // namespace ringtrain::launcher
