// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/net/certificate_authority.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <stdexcept>

namespace ringtrain::net {
namespace {

using Memory = std::unique_ptr<BIO, decltype(&BIO_free)>;

Memory memory(const std::string& text = "") {
  Memory result(BIO_new(BIO_s_mem()), &BIO_free);
  require(text.empty() || BIO_write(result.get(), text.data(), static_cast<int>(text.size())) > 0,
          "BIO_write");
  return result;
}

std::string text_of(const Memory& from) {
  char* bytes = nullptr;
  const auto size = BIO_get_mem_data(from.get(), &bytes);
  return {bytes, static_cast<size_t>(size)};
}

void add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  require(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1, "X509_add_ext");
  X509_EXTENSION_free(extension);
}

// Signed by `issuer`, or by itself.
Identity make_identity(const std::string& name, const std::string& alternative_name,
                       const Identity* issuer) {
  static std::atomic<long> serial{1};
  const Key key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  const Certificate certificate(X509_new(), &X509_free);
  require(key != nullptr && certificate != nullptr, "no memory");
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  Key issuer_key(nullptr, &EVP_PKEY_free);
  Certificate issuer_certificate(nullptr, &X509_free);
  if (issuer != nullptr) {
    issuer_key = read_key(issuer->key);
    issuer_certificate = read_certificate(issuer->certificate);
  }
  X509* const signer = issuer != nullptr ? issuer_certificate.get() : certificate.get();
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(signer));
  add_extension(certificate.get(), signer, NID_basic_constraints,
                issuer != nullptr ? "critical,CA:FALSE" : "critical,CA:TRUE");
  if (!alternative_name.empty()) {
    add_extension(certificate.get(), signer, NID_subject_alt_name, alternative_name);
  }
  require(X509_sign(certificate.get(), issuer != nullptr ? issuer_key.get() : key.get(),
                    EVP_sha256()) > 0,
          "X509_sign");
  const Memory key_text = memory();
  const Memory certificate_text = memory();
  PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  PEM_write_bio_X509(certificate_text.get(), certificate.get());
  return {text_of(key_text), text_of(certificate_text)};
}

}  // namespace

void require(bool good, const char* what) {
  if (!good) throw std::runtime_error(what);
}

Key read_key(const std::string& pem) {
  const Memory from = memory(pem);
  return {PEM_read_bio_PrivateKey(from.get(), nullptr, nullptr, nullptr), &EVP_PKEY_free};
}

Certificate read_certificate(const std::string& pem) {
  const Memory from = memory(pem);
  return {PEM_read_bio_X509(from.get(), nullptr, nullptr, nullptr), &X509_free};
}

Authority::Authority(const std::string& name) : identity_(make_identity(name, "", nullptr)) {}

Identity Authority::make(const std::string& name, const std::string& alternative_name) const {
  return make_identity(name, alternative_name, &identity_);
}

}  // namespace ringtrain::net
