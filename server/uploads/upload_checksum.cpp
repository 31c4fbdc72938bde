// SPDX-License-Identifier: Apache-2.0
// https://tus.io/protocols/resumable-upload#checksum
#include <fmt/format.h>

#include "net/base64.hpp"
#include "server/problem.hpp"
#include "server/uploads/uploads.hpp"

namespace ringtrain::server {
namespace {

struct Algorithm {
  const char* name;
  size_t bytes;
};
constexpr Algorithm kAll[] = {{"sha1", 20}, {"sha256", 32}};

[[noreturn]] void refuse(const std::string& what) {
  throw Problem(400,
                fmt::format("Upload-Checksum: {}: must be an algorithm of {} and the digest in "
                            "base64",
                            what, UploadChecksum::kAlgorithms));
}

const char* algorithm_of(std::string_view header) {
  const std::string_view name = header.substr(0, header.find(' '));
  for (const Algorithm& one : kAll) {
    if (name == one.name) return one.name;
  }
  refuse("its algorithm is not known");
}

}  // namespace

UploadChecksum::UploadChecksum(std::string_view header) : digest_(algorithm_of(header)) {
  const size_t space = header.find(' ');
  const auto bytes = space == std::string_view::npos
                         ? std::nullopt
                         : net::decode_base64(std::string(header.substr(space + 1)));
  for (const Algorithm& one : kAll) {
    if (header.starts_with(std::string(one.name) + " ") && bytes && bytes->size() == one.bytes) {
      expected_ = *bytes;
      return;
    }
  }
  refuse("it is no digest of its algorithm");
}

}  // namespace ringtrain::server
