// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "server/problem.hpp"

namespace ringtrain::server {

// Throws a Problem that is answered as KubeML's storage does: {"error": "..."}.
[[noreturn]] inline void refuse_storage(int status, const std::string& text) {
  throw Problem(status, text, {{"error", text}});
}

}  // namespace ringtrain::server
