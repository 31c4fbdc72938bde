// SPDX-License-Identifier: Apache-2.0
#include "net/digest.hpp"

#include <openssl/evp.h>

#include "base/error.hpp"

namespace ringtrain::net {
namespace {

void check(int result) {
  if (result != 1) throw data_error("OpenSSL cannot compute this digest on this machine");
}
EVP_MD_CTX* context(const std::unique_ptr<void, void (*)(void*)>& pointer) {
  return static_cast<EVP_MD_CTX*>(pointer.get());
}

}  // namespace

Digest::Digest(const char* algorithm)
    : context_(EVP_MD_CTX_new(), [](void* p) { EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(p)); }) {
  const EVP_MD* const kind = EVP_get_digestbyname(algorithm);
  check(context_ == nullptr || kind == nullptr
            ? 0
            : EVP_DigestInit_ex(context(context_), kind, nullptr));
}

void Digest::add(std::string_view bytes) {
  check(EVP_DigestUpdate(context(context_), bytes.data(), bytes.size()));
}

std::string Digest::bytes() {
  std::string digest(EVP_MAX_MD_SIZE, '\0');
  unsigned int size = 0;
  check(EVP_DigestFinal_ex(context(context_), reinterpret_cast<unsigned char*>(digest.data()),
                           &size));
  digest.resize(size);
  return digest;
}

}  // namespace ringtrain::net
