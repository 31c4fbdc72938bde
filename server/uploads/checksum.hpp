// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "net/digest.hpp"

namespace ringtrain::server {

// Algorithms of Upload-Checksum, as Tus-Checksum-Algorithm lists them.
inline constexpr const char* kChecksumAlgorithms = "sha1,sha256";

// The checksum of one request's body that its sender announces (tus 1.0.0, extension Checksum).
class Checksum {
 public:
  // Takes "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=". Throws a Problem 400.
  explicit Checksum(std::string_view header);

  void add(std::string_view bytes) { digest_->add(bytes); }
  // Returns whether the bytes so far have the checksum; call it once.
  bool is_right() { return digest_->bytes() == expected_; }

 private:
  std::optional<net::Digest> digest_;
  std::string expected_;
};

}  // namespace ringtrain::server
