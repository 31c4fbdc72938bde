// SPDX-License-Identifier: Apache-2.0
#include "net/download.hpp"

#include <curl/curl.h>
#include <fmt/format.h>

#include <memory>

#include "base/error.hpp"

namespace ringtrain::net {
namespace {

struct Transfer {
  std::string body;
  uint64_t max_bytes = 0;
  const DownloadProgress* progress = nullptr;
};

size_t receive(const char* data, size_t size, size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const size_t bytes = size * count;
  if (transfer.body.size() + bytes > transfer.max_bytes) return 0;  // makes curl stop
  transfer.body.append(data, bytes);
  return bytes;
}

int report(void* user, curl_off_t total, curl_off_t now, curl_off_t /*up_total*/,
           curl_off_t /*up*/) {
  const auto& transfer = *static_cast<Transfer*>(user);
  if (*transfer.progress && total > 0) {
    (*transfer.progress)(static_cast<uint64_t>(now), static_cast<uint64_t>(total));
  }
  return 0;
}

}  // namespace

std::string download(const std::string& url, uint64_t max_bytes, const DownloadProgress& progress) {
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  const std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), curl_easy_cleanup);
  if (initialised != CURLE_OK || !curl) throw data_error("libcurl cannot be started");
  Transfer transfer{{}, max_bytes, &progress};
  char error[CURL_ERROR_SIZE] = "";
  const auto set = [&](CURLoption option, auto value) {
    const CURLcode code = curl_easy_setopt(curl.get(), option, value);
    if (code != CURLE_OK) throw data_error(fmt::format("libcurl: {}", curl_easy_strerror(code)));
  };
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_ERRORBUFFER, static_cast<char*>(error));
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_FAILONERROR, 1L);
  set(CURLOPT_FOLLOWLOCATION, 1L);
  set(CURLOPT_MAXREDIRS, 5L);
#if LIBCURL_VERSION_NUM >= 0x075500
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
#else
  set(CURLOPT_PROTOCOLS, static_cast<long>(CURLPROTO_HTTP | CURLPROTO_HTTPS));
  set(CURLOPT_REDIR_PROTOCOLS, static_cast<long>(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
  set(CURLOPT_CONNECTTIMEOUT, 20L);
  set(CURLOPT_LOW_SPEED_LIMIT, 1L);
  set(CURLOPT_LOW_SPEED_TIME, 30L);
  set(CURLOPT_USERAGENT, "ringtrain");
  set(CURLOPT_WRITEFUNCTION, receive);
  set(CURLOPT_WRITEDATA, static_cast<void*>(&transfer));
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, report);
  set(CURLOPT_XFERINFODATA, static_cast<void*>(&transfer));
  const CURLcode code = curl_easy_perform(curl.get());
  if (code == CURLE_WRITE_ERROR) {
    throw data_error(fmt::format("{}: larger than {} bytes", url, max_bytes));
  }
  if (code != CURLE_OK) {
    throw data_error(fmt::format("{}: cannot be fetched: {}", url,
                                 *error != 0 ? error : curl_easy_strerror(code)));
  }
  return std::move(transfer.body);
}

}  // namespace ringtrain::net
