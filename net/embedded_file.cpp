// SPDX-License-Identifier: Apache-2.0
#include "net/embedded_file.hpp"

#include <fmt/format.h>

#include <string>

#include "net/sha256.hpp"

namespace ringtrain::net {
namespace {

const char* type_of(std::string_view name) {
  if (name.ends_with(".html")) return "text/html; charset=utf-8";
  if (name.ends_with(".js")) return "text/javascript; charset=utf-8";
  if (name.ends_with(".css")) return "text/css; charset=utf-8";
  return "image/svg+xml";
}

}  // namespace

Answer embedded_file_answer(const ServedRequest& request, std::string_view name,
                            std::string_view bytes, const char* policy) {
  const std::string tag = fmt::format("\"{}\"", sha256(bytes).substr(0, 32));
  Answer answer{.headers = {{"Content-Type", type_of(name)},
                            {"Cache-Control", "no-cache"},
                            {"ETag", tag},
                            {"Content-Security-Policy", policy}}};
  if (request.header("if-none-match") == tag) {
    answer.status = 304;
  } else {
    answer.body = bytes;
  }
  return answer;
}

}  // namespace ringtrain::net
