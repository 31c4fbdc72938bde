// SPDX-License-Identifier: Apache-2.0
#include "net/sha256.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "base/error.hpp"

namespace ringtrain::net {
namespace {

void check(int result) {
  if (result != 1) throw data_error("OpenSSL cannot compute SHA-256 on this machine");
}
EVP_MD_CTX* context(const std::unique_ptr<void, void (*)(void*)>& pointer) {
  return static_cast<EVP_MD_CTX*>(pointer.get());
}

std::string print(const std::array<unsigned char, 32>& digest) {
  std::string text;
  for (const unsigned char byte : digest) text += fmt::format("{:02x}", byte);
  return text;
}

}  // namespace

Sha256::Sha256()
    : context_(EVP_MD_CTX_new(), [](void* p) { EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(p)); }) {
  check(context_ == nullptr ? 0 : EVP_DigestInit_ex(context(context_), EVP_sha256(), nullptr));
}

void Sha256::add(const void* data, size_t size) {
  check(EVP_DigestUpdate(context(context_), data, size));
}

std::string Sha256::hexadecimal() {
  std::array<unsigned char, 32> digest{};
  check(EVP_DigestFinal_ex(context(context_), digest.data(), nullptr));
  return print(digest);
}

std::string sha256(std::string_view bytes) {
  Sha256 hash;
  hash.add(bytes.data(), bytes.size());
  return hash.hexadecimal();
}

namespace {

std::array<unsigned char, 32> hmac(std::string_view key, std::string_view bytes) {
  std::array<unsigned char, 32> digest{};
  unsigned int size = 0;
  const auto* const data = reinterpret_cast<const unsigned char*>(bytes.data());
  const unsigned char* const made = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                                         data, bytes.size(), digest.data(), &size);
  check(made != nullptr && size == digest.size() ? 1 : 0);
  return digest;
}

}  // namespace

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  return print(hmac(key, bytes));
}

std::string hmac_sha256_bytes(std::string_view key, std::string_view bytes) {
  const auto digest = hmac(key, bytes);
  return {digest.begin(), digest.end()};
}

}  // namespace ringtrain::net
