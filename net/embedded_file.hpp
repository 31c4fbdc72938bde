// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "net/http_server.hpp"

namespace ringtrain::net {

// Answers with a file that is inside the program. A browser asks for it again each time, and gets
// it where it has changed. name: "app.js"; its end says of which type it is, an SVG image where it
// says nothing. policy: the Content-Security-Policy.
Answer embedded_file_answer(const ServedRequest& request, std::string_view name,
                            std::string_view bytes, const char* policy);

}  // namespace ringtrain::net
