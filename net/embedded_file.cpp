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

// Whether "gzip, deflate;q=0.5" has gzip, and not with a weight of 0.
bool takes_gzip(std::string_view accepted) {
  const size_t at = accepted.find("gzip");
  if (at == std::string_view::npos) return false;
  const std::string_view weight = accepted.substr(at + 4, accepted.find(',', at) - at - 4);
  return weight.find("q=0") == std::string_view::npos ||
         weight.find_first_of("123456789") != std::string_view::npos;
}

}  // namespace

Answer embedded_file_answer(const ServedRequest& request, const EmbeddedFile& file,
                            const char* policy) {
  const bool is_packed =
      file.bytes.empty() || (!file.packed.empty() && takes_gzip(request.header("accept-encoding")));
  const std::string_view bytes = is_packed ? file.packed : file.bytes;
  const std::string tag = fmt::format("\"{}\"", sha256(bytes).substr(0, 32));
  Answer answer{.headers = {{"Content-Type", type_of(file.name)},
                            {"Cache-Control", "no-cache"},
                            {"ETag", tag},
                            {"Vary", "Accept-Encoding"},
                            {"Content-Security-Policy", policy}}};
  if (request.header("if-none-match") == tag) {
    answer.status = 304;
    return answer;
  }
  if (is_packed) answer.headers.emplace_back("Content-Encoding", "gzip");
  answer.body = bytes;
  return answer;
}

void keep_for_ever(Answer& answer) {
  for (auto& [name, value] : answer.headers) {
    if (name == "Cache-Control") value = "public, max-age=31536000, immutable";
  }
}

}  // namespace ringtrain::net
