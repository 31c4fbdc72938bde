// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "net/http_server.hpp"

namespace ringtrain::net {

// A file inside the program.
struct EmbeddedFile {
  std::string_view name;    // "app.js"; its end says of which type it is, else it is an SVG image
  std::string_view bytes;   // empty where only `packed` is there, which every browser takes
  std::string_view packed;  // by gzip
};

// Answers with the file, packed where the client takes that. A browser asks for it again each time,
// and gets it where it has changed. policy: the Content-Security-Policy.
Answer embedded_file_answer(const ServedRequest& request, const EmbeddedFile& file,
                            const char* policy);

// Changes what embedded_file_answer() made: a browser keeps it and never asks again. For addresses
// that change when the file does.
void keep_for_ever(Answer& answer);

}  // namespace ringtrain::net
