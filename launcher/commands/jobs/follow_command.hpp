// SPDX-License-Identifier: Apache-2.0
// The follower of a server's run in a cluster (server/cluster/follower.hpp), as its keeper starts
// it. A command of `ringtrain` that is not for people.
#pragma once

#include <string>
#include <vector>

namespace ringtrain::launcher {

int follow_command(std::vector<std::string> arguments);

}  // namespace ringtrain::launcher
