// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "launcher/commands/doctor.hpp"

namespace ringtrain::launcher {

// Says whether the torch of the Python that scripts run with has our backend, and whether that was
// built for it. `python`: a path or a name.
Finding examine_torch(const std::string& python);

}  // namespace ringtrain::launcher
