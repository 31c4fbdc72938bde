// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace ringtrain::net {

struct FormFile {
  std::string file_name = {};
  std::string_view bytes = {};
};

// Returns the files of a multipart/form-data body (RFC 7578) by the names of their fields; they
// are views of the body. type: its Content-Type. Throws a data error with the reason where it is
// none.
std::map<std::string, FormFile> files_of_form(std::string_view body, std::string_view type);

}  // namespace ringtrain::net
