// SPDX-License-Identifier: Apache-2.0
#include "net/download.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "net/http_client.hpp"

namespace ringtrain::net {

std::string download(const std::string& url, uint64_t max_bytes, const DownloadProgress& progress) {
  HttpRequest request;
  request.url = url;
  request.max_redirects = 5;
  request.connect_timeout = std::chrono::seconds(20);
  request.silence_timeout = std::chrono::seconds(30);
  std::string body;
  HttpResponse response;
  try {
    response = HttpClient().perform(request, [&](std::string_view bytes, uint64_t total) {
      if (body.size() + bytes.size() > max_bytes) {
        throw data_error(fmt::format("{}: larger than {} bytes", url, max_bytes));
      }
      body += bytes;
      if (progress && total > 0) progress(body.size(), total);
    });
  } catch (const HttpError& error) {
    throw data_error(fmt::format("{}: cannot be downloaded: {}", url, error.reason()));
  }
  if (!is_success(response)) {
    throw data_error(
        fmt::format("{}: cannot be downloaded: the server answers {}", url, response.status));
  }
  return body;
}

}  // namespace ringtrain::net
