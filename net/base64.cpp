// SPDX-License-Identifier: Apache-2.0
#include "net/base64.hpp"

#include <openssl/evp.h>

#include <memory>

namespace ringtrain::net {

std::optional<std::string> decode_base64(const std::string& text) {
  const std::unique_ptr<EVP_ENCODE_CTX, decltype(&EVP_ENCODE_CTX_free)> context(
      EVP_ENCODE_CTX_new(), &EVP_ENCODE_CTX_free);
  if (!context) return std::nullopt;
  std::string result(text.size() + 3, '\0');
  auto* const out = reinterpret_cast<unsigned char*>(result.data());
  int size = 0;
  int rest = 0;
  EVP_DecodeInit(context.get());
  if (EVP_DecodeUpdate(context.get(), out, &size,
                       reinterpret_cast<const unsigned char*>(text.data()),
                       static_cast<int>(text.size())) < 0 ||
      EVP_DecodeFinal(context.get(), out + size, &rest) < 0) {
    return std::nullopt;
  }
  result.resize(static_cast<size_t>(size) + static_cast<size_t>(rest));
  return result;
}

std::string encode_base64(const std::string& bytes) {
  std::string result((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(result.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  result.resize(static_cast<size_t>(size));
  return result;
}

}  // namespace ringtrain::net
