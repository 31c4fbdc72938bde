// SPDX-License-Identifier: Apache-2.0
#include "net/multipart.hpp"

#include <cctype>

#include "base/error.hpp"

namespace ringtrain::net {
namespace {

constexpr size_t kMaxParts = 16;
constexpr size_t kMaxHead = 4096;

[[noreturn]] void refuse(const char* why) {
  throw data_error(std::string("the body must be multipart/form-data: ") + why);
}

// Returns the value of NAME=value or NAME="value" among parameters.
std::string parameter(std::string_view text, std::string_view name) {
  for (size_t at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
    const bool is_whole = at > 0 && (text[at - 1] == ' ' || text[at - 1] == ';');
    const size_t start = at + name.size() + 1;
    if (!is_whole || start > text.size() || text[start - 1] != '=') continue;
    if (start < text.size() && text[start] == '"') {
      return std::string(text.substr(start + 1, text.find('"', start + 1) - start - 1));
    }
    return std::string(text.substr(start, text.find_first_of(";\r\n ", start) - start));
  }
  return "";
}

}  // namespace

std::map<std::string, FormFile> files_of_form(std::string_view body, std::string_view type) {
  const std::string boundary = parameter(type, "boundary");
  if (!type.starts_with("multipart/form-data") || boundary.empty() || boundary.size() > 200) {
    refuse("its Content-Type says something else");
  }
  const std::string first = "--" + boundary;
  const std::string next = "\r\n--" + boundary;
  if (!body.starts_with(first)) refuse("it does not begin with its boundary");
  std::map<std::string, FormFile> files;
  size_t at = first.size();
  while (!body.substr(at).starts_with("--")) {
    const size_t head_end = body.substr(at, kMaxHead).find("\r\n\r\n");
    if (head_end == std::string_view::npos || files.size() >= kMaxParts) refuse("a part is wrong");
    const std::string_view head = body.substr(at, head_end);
    const size_t start = at + head_end + 4;
    const size_t end = body.find(next, start);
    if (end == std::string_view::npos) refuse("it is cut");
    files[parameter(head, "name")] = {parameter(head, "filename"), body.substr(start, end - start)};
    at = end + next.size();
  }
  return files;
}

}  // namespace ringtrain::net
