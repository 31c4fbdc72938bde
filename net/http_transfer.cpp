// SPDX-License-Identifier: Apache-2.0
#include "net/http_transfer.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <new>
#include <utility>

#include "base/text.hpp"
#include "net/public_address.hpp"

namespace ringtrain::net {
namespace {

void append(CurlList& list, const std::string& text) {
  curl_slist* const longer = curl_slist_append(list.get(), text.c_str());
  if (longer == nullptr) throw std::bad_alloc();
  static_cast<void>(list.release());
  list.reset(longer);
}

std::string part_of(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) {
    throw lost_error("libcurl cannot take a URL apart");
  }
  const std::unique_ptr<char, void (*)(void*)> owner(text, curl_free);
  return text;
}

HttpFailure failure_of(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
      return HttpFailure::not_connected;
    case CURLE_PEER_FAILED_VERIFICATION:
      return HttpFailure::server_certificate;
    case CURLE_SSL_CERTPROBLEM:
      return HttpFailure::client_certificate;
    default:
      return HttpFailure::other;
  }
}

}  // namespace

// A query may hold a signature that lets others in, so the message is without it.
HttpError::HttpError(HttpFailure failure, const std::string& url, const std::string& reason)
    : Error(ErrorKind::lost, fmt::format("{}: {}", url.substr(0, url.find('?')), reason)),
      failure_(failure),
      reason_(reason) {}

CurlHandle make_curl_handle() {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  CurlHandle handle(started == CURLE_OK ? curl_easy_init() : nullptr, curl_easy_cleanup);
  if (!handle) throw lost_error("libcurl cannot be started");
  return handle;
}

HttpTransfer::HttpTransfer(CurlHandle handle, const HttpRequest& request, OnData on_data)
    : url_(request.url),
      max_body_(request.max_body),
      data_status_(request.data_status),
      on_data_(std::move(on_data)),
      headers_(nullptr, curl_slist_free_all),
      connect_to_(nullptr, curl_slist_free_all),
      handle_(std::move(handle)) {
  set_options(request);
  set_tls(request.tls);
  set_url(request);
}

template <typename Value>
void HttpTransfer::set(CURLoption option, Value value) {
  if (const CURLcode code = curl_easy_setopt(handle_.get(), option, value); code != CURLE_OK) {
    throw HttpError(failure_of(code), url_,
                    fmt::format("libcurl does not take option {}: {}", static_cast<int>(option),
                                curl_easy_strerror(code)));
  }
}

void HttpTransfer::set_blob(CURLoption option, const std::string& bytes) {
  curl_blob blob{const_cast<char*>(bytes.data()), bytes.size(), CURL_BLOB_COPY};
  set(option, &blob);
}

void HttpTransfer::set_options(const HttpRequest& request) {
  set(CURLOPT_ERRORBUFFER, error_.data());
  set(CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075500
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
#else
  set(CURLOPT_PROTOCOLS, static_cast<long>(CURLPROTO_HTTP | CURLPROTO_HTTPS));
  set(CURLOPT_REDIR_PROTOCOLS, static_cast<long>(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_USERAGENT, "ringtrain");
  set(CURLOPT_PATH_AS_IS, 1L);  // a key of S3 may hold /../
  if (request.compressed) set(CURLOPT_ACCEPT_ENCODING, "");
  set(CURLOPT_FOLLOWLOCATION, request.max_redirects > 0 ? 1L : 0L);
  set(CURLOPT_MAXREDIRS, request.max_redirects);
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.connect_timeout.count()));
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
  set(CURLOPT_LOW_SPEED_LIMIT, request.silence_timeout.count() > 0 ? 1L : 0L);
  set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(request.silence_timeout.count()));
  // A stream may be silent for minutes; a server that is gone must still be noticed.
  set(CURLOPT_TCP_KEEPALIVE, 1L);
  set(CURLOPT_TCP_KEEPIDLE, 15L);
  set(CURLOPT_TCP_KEEPINTVL, 5L);
  set(CURLOPT_WRITEFUNCTION, &HttpTransfer::on_bytes);
  set(CURLOPT_WRITEDATA, this);
  set(CURLOPT_HEADERFUNCTION, &HttpTransfer::on_header);
  set(CURLOPT_HEADERDATA, this);
  if (!request.proxy.empty()) set(CURLOPT_PROXY, request.proxy.c_str());
  if (request.public_addresses_only) {
    set(CURLOPT_PROXY, "");
    set(CURLOPT_OPENSOCKETFUNCTION, &HttpTransfer::open_public);
    set(CURLOPT_OPENSOCKETDATA, this);
  }

  for (const std::string& header : request.headers) append(headers_, header);
  if (request.method == "HEAD") {
    set(CURLOPT_NOBODY, 1L);
  } else {
    set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
  if (!request.body.empty()) {
    append(headers_, "Expect:");  // sends the body at once, without asking first
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    set(CURLOPT_COPYPOSTFIELDS, request.body.data());
  }
  set(CURLOPT_HTTPHEADER, headers_.get());
}

void HttpTransfer::set_tls(const TlsOptions& tls) {
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(CURLOPT_SSL_VERIFYPEER, tls.verify ? 1L : 0L);
  set(CURLOPT_SSL_VERIFYHOST, tls.verify ? 2L : 0L);
  if (!tls.authorities.empty()) {
    set_blob(CURLOPT_CAINFO_BLOB, tls.authorities);
    set(CURLOPT_CAPATH, static_cast<char*>(nullptr));  // those and no others
  }
  if (!tls.client_certificate.empty()) {
    set(CURLOPT_SSLCERTTYPE, "PEM");
    set_blob(CURLOPT_SSLCERT_BLOB, tls.client_certificate);
    set(CURLOPT_SSLKEYTYPE, "PEM");
    set_blob(CURLOPT_SSLKEY_BLOB, tls.client_key);
  }
}

// libcurl compares the certificate with the URL's host: where the certificate has another name, the
// URL gets that name and the connection is made to the address of the first.
void HttpTransfer::set_url(const HttpRequest& request) {
  if (request.tls.server_name.empty()) {
    set(CURLOPT_URL, url_.c_str());
    return;
  }
  const std::unique_ptr<CURLU, void (*)(CURLU*)> url(curl_url(), curl_url_cleanup);
  if (!url || curl_url_set(url.get(), CURLUPART_URL, url_.c_str(), 0) != CURLUE_OK) {
    throw HttpError(HttpFailure::other, url_, "this is not a URL");
  }
  append(connect_to_, fmt::format("::{}:{}", part_of(url.get(), CURLUPART_HOST),
                                  part_of(url.get(), CURLUPART_PORT)));
  set(CURLOPT_CONNECT_TO, connect_to_.get());
  if (curl_url_set(url.get(), CURLUPART_HOST, request.tls.server_name.c_str(), 0) != CURLUE_OK) {
    throw HttpError(HttpFailure::other, url_,
                    fmt::format("{} is not a host's name", request.tls.server_name));
  }
  set(CURLOPT_URL, part_of(url.get(), CURLUPART_URL).c_str());
}

long HttpTransfer::status() const {
  long status = 0;
  curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &status);
  return status;
}

void HttpTransfer::take(std::string_view bytes) {
  const long code = status();
  if (on_data_ && (data_status_ == 0 ? code >= 200 && code < 300 : code == data_status_)) {
    curl_off_t total = 0;
    curl_easy_getinfo(handle_.get(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &total);
    on_data_(bytes, total > 0 ? static_cast<uint64_t>(total) : 0);
    return;
  }
  if (response_.body.size() + bytes.size() > max_body_) {
    throw HttpError(HttpFailure::too_large, url_,
                    fmt::format("the answer is larger than {} bytes", max_body_));
  }
  response_.body += bytes;
}

curl_socket_t HttpTransfer::open_public(void* transfer, curlsocktype /*purpose*/,
                                        curl_sockaddr* address) {
  if (!is_public(address->addr)) {
    static_cast<HttpTransfer*>(transfer)->refused_address_ = print_address(address->addr);
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

// libcurl is C: no exception may pass through it.
size_t HttpTransfer::on_bytes(char* bytes, size_t one, size_t count, void* transfer) {
  auto* const self = static_cast<HttpTransfer*>(transfer);
  try {
    self->take({bytes, one * count});
    return one * count;
  } catch (...) {
    self->thrown_ = std::current_exception();
    return 0;  // fewer than there were: libcurl ends the transfer
  }
}

// A status line begins another answer, after a 100 or a redirect: earlier headers are not its own.
size_t HttpTransfer::on_header(char* line, size_t one, size_t size, void* transfer) {
  auto* const self = static_cast<HttpTransfer*>(transfer);
  constexpr size_t kMostHeaders = 256;
  try {
    auto& headers = self->response_.headers;
    const std::string_view text = trimmed({line, one * size});
    const size_t colon = text.find(':');
    if (text.starts_with("HTTP/")) {
      headers.clear();
    } else if (colon != std::string_view::npos && headers.size() < kMostHeaders) {
      std::string name(text.substr(0, colon));
      std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) {
        return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
      });
      headers.emplace_back(std::move(name), trimmed(text.substr(colon + 1)));
    }
    return one * size;
  } catch (...) {
    self->thrown_ = std::current_exception();
    return 0;
  }
}

HttpResponse HttpTransfer::finish(CURLcode code) {
  if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
  if (code != CURLE_OK && !refused_address_.empty()) {
    throw HttpError(HttpFailure::address_refused, url_,
                    refused_address_ + " is not an address of the public internet");
  }
  if (code != CURLE_OK) {
    throw HttpError(failure_of(code), url_,
                    error_[0] != '\0' ? error_.data() : curl_easy_strerror(code));
  }
  response_.status = status();
  return std::move(response_);
}

CurlHandle HttpTransfer::release() {
  curl_easy_reset(handle_.get());
  return std::move(handle_);
}

}  // namespace ringtrain::net
