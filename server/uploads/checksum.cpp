// SPDX-License-Identifier: Apache-2.0
#include "server/uploads/checksum.hpp"

#include <fmt/format.h>

#include "net/base64.hpp"
#include "server/problem.hpp"

namespace ringtrain::server {

Checksum::Checksum(std::string_view header) {
  const size_t space = header.find(' ');
  const std::string_view name = header.substr(0, space);
  const auto value = net::decode_base64(
      space == std::string_view::npos ? "" : std::string(header.substr(space + 1)));
  const bool is_sha1 = name == "sha1";
  if ((!is_sha1 && name != "sha256") || !value || value->size() != (is_sha1 ? 20 : 32)) {
    throw Problem(400, fmt::format("Upload-Checksum: must be one of {}, and the checksum in base64",
                                   kChecksumAlgorithms));
  }
  digest_.emplace(is_sha1 ? net::Digest::Kind::sha1 : net::Digest::Kind::sha256);
  expected_ = *value;
}

}  // namespace ringtrain::server
