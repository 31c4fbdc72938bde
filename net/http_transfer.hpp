// SPDX-License-Identifier: Apache-2.0
// One request on a libcurl handle, for HttpClient and HttpStreams.
#pragma once

#include <curl/curl.h>

#include <array>
#include <exception>
#include <memory>
#include <string>

#include "net/http_client.hpp"

namespace ringtrain::net {

using CurlHandle = std::unique_ptr<CURL, void (*)(CURL*)>;
using CurlList = std::unique_ptr<curl_slist, void (*)(curl_slist*)>;

// Starts libcurl where that has not happened. Throws a lost error.
CurlHandle make_curl_handle();

// libcurl keeps pointers into the object, so it does not move.
class HttpTransfer {
 public:
  HttpTransfer(CurlHandle handle, const HttpRequest& request, OnData on_data);
  HttpTransfer(const HttpTransfer&) = delete;
  HttpTransfer& operator=(const HttpTransfer&) = delete;

  CURL* handle() const { return handle_.get(); }

  // Returns the answer after libcurl has ended with `code`. Throws HttpError where there is none,
  // or what on_data threw.
  HttpResponse finish(CURLcode code);

  // Gives the handle back, with its open connection and without options. Ends the object's use.
  CurlHandle release();

 private:
  void set_options(const HttpRequest& request);
  void set_tls(const TlsOptions& tls);
  void set_url(const HttpRequest& request);
  template <typename Value>
  void set(CURLoption option, Value value);
  void set_blob(CURLoption option, const std::string& bytes);
  long status() const;
  void take(std::string_view bytes);
  static curl_socket_t open_public(void* transfer, curlsocktype purpose, curl_sockaddr* address);
  static size_t on_bytes(char* bytes, size_t one, size_t count, void* transfer);
  static size_t on_header(char* line, size_t one, size_t size, void* transfer);

  const std::string url_;
  const uint64_t max_body_;
  const long data_status_;
  const OnData on_data_;
  CurlList headers_;
  CurlList connect_to_;
  std::array<char, CURL_ERROR_SIZE> error_{};
  HttpResponse response_;
  std::exception_ptr thrown_;
  std::string refused_address_;
  CurlHandle handle_;  // last, so that it ends before what it points to
};

}  // namespace ringtrain::net
