// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace ringtrain {

// Log lines of ranks and of programs that serve, on stderr: "2026-11-29T01:02:03.456Z info TEXT",
// the level coloured on a terminal. A command's answer to its user is no log line. Callable by any
// thread; lines of several threads do not mix. Nothing is thrown: a line that stderr does not take
// is lost. By spdlog, which no header includes: it does not compile with the fmt beside libtorch.
void log_info(const std::string& text);
void log_warning(const std::string& text);
void log_error(const std::string& text);

}  // namespace ringtrain
