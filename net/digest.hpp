// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace ringtrain::net {

// SHA-1 or SHA-256 of a stream of bytes. All functions throw a data error where OpenSSL refuses.
class Digest {
 public:
  enum class Kind { sha1, sha256 };

  explicit Digest(Kind kind);
  void add(std::string_view bytes);
  std::string bytes();  // 20 or 32; ends the stream

 private:
  std::unique_ptr<void, void (*)(void*)> context_;
};

}  // namespace ringtrain::net
