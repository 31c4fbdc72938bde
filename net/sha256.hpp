// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace ringtrain::net {

// SHA-256 of a stream of bytes. All functions throw a data error where OpenSSL refuses.
class Sha256 {
 public:
  Sha256();
  void add(const void* data, size_t size);
  std::string hexadecimal();  // lower case; ends the stream

 private:
  std::unique_ptr<void, void (*)(void*)> context_;
};

std::string sha256(std::string_view bytes);

// HMAC-SHA256 (RFC 2104), in hexadecimal.
std::string hmac_sha256(std::string_view key, std::string_view bytes);
// The same as its 32 bytes.
std::string hmac_sha256_bytes(std::string_view key, std::string_view bytes);

}  // namespace ringtrain::net
