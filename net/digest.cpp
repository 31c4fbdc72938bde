// SPDX-License-Identifier: Apache-2.0
#include "net/digest.hpp"

#include <openssl/evp.h>

#include <array>

#include "base/error.hpp"

namespace ringtrain::net {
namespace {

void check(int result) {
  if (result != 1) throw data_error("OpenSSL cannot compute checksums on this machine");
}

EVP_MD_CTX* context(const std::unique_ptr<void, void (*)(void*)>& pointer) {
  return static_cast<EVP_MD_CTX*>(pointer.get());
}

}  // namespace

Digest::Digest(Kind kind)
    : context_(EVP_MD_CTX_new(), [](void* p) { EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(p)); }) {
  const EVP_MD* const chosen = kind == Kind::sha1 ? EVP_sha1() : EVP_sha256();
  check(context_ == nullptr ? 0 : EVP_DigestInit_ex(context(context_), chosen, nullptr));
}

void Digest::add(std::string_view bytes) {
  check(EVP_DigestUpdate(context(context_), bytes.data(), bytes.size()));
}

std::string Digest::bytes() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  check(EVP_DigestFinal_ex(context(context_), digest.data(), &size));
  return {reinterpret_cast<const char*>(digest.data()), size};
}

}  // namespace ringtrain::net
