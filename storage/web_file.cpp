// SPDX-License-Identifier: Apache-2.0
#include "storage/web_file.hpp"

#include <fmt/format.h>

#include <charconv>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "base/url.hpp"
#include "net/http_client.hpp"
#include "storage/range_reader.hpp"

namespace ringtrain::storage {
namespace {

// Returns "https://host:port" of a URL.
std::string_view origin_of(std::string_view url) {
  return url.substr(0, url.find_first_of("/?#", url.find("://") + 3));
}

bool is_redirect(const net::HttpResponse& response) {
  const long status = response.status;
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

net::HttpRequest request_for(const std::string& url, const WebOptions& options) {
  net::HttpRequest request;
  request.url = url;
  request.public_addresses_only = options.public_addresses_only;
  request.silence_timeout = std::chrono::seconds(30);
  request.max_body = uint64_t{1} << 16;  // of refusals: bytes of the file go elsewhere
  return request;
}

Error web_refusal(const std::string& url, const net::HttpResponse& response) {
  const std::string name = printable_url(url);
  if (response.status == 404) return data_error(fmt::format("{}: there is no such file", name));
  if (response.status == 412) {
    return data_error(fmt::format("{}: has changed since it was opened: start again", name));
  }
  return data_error(fmt::format("{}: the server answers {}{}", name, response.status,
                                response.status == 401 || response.status == 403
                                    ? ": does the URL need a signature, or has its own expired?"
                                    : ""));
}

class WebFile : public RangeSource {
 public:
  WebFile(std::string url, uint64_t size, std::string etag, const WebOptions& options)
      : RangeSource(printable_url(url), size, std::move(etag), options.retries.attempts),
        url_(std::move(url)),
        options_(options) {}

 private:
  net::HttpResponse fetch(const ByteRange& range, const net::OnData& on_data) const override {
    net::HttpRequest request = request_for(url_, options_);
    request.headers = {"Range: " + range.print()};
    if (!etag().empty()) request.headers.push_back("If-Match: " + etag());
    request.data_status = 206;
    bool given = false;
    return send_with_retries(options_.retries, [&] {
      try {
        return client_.perform(request, [&](std::string_view bytes, uint64_t total) {
          given = true;
          on_data(bytes, total);
        });
      } catch (const net::HttpError& error) {
        if (!given || error.failure() != net::HttpFailure::other) throw;
        return net::HttpResponse{};
      }
    });
  }
  Error refusal(const net::HttpResponse& response) const override {
    return web_refusal(url_, response);
  }

  const std::string url_;
  const WebOptions options_;
  mutable net::HttpClient client_;
};

// Returns the size from "bytes 0-0/1234", or from a length; nothing where the text is neither.
bool parse_size(std::string_view text, uint64_t& size) {
  if (const size_t slash = text.find('/'); slash != std::string_view::npos) {
    text.remove_prefix(slash + 1);
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
  return error == std::errc() && end == text.data() + text.size();
}

// Asks for the size, by HEAD, or by the first byte where the server takes no HEAD: a URL that is
// signed for GET.
net::HttpResponse ask(const std::string& url, const WebOptions& options) {
  net::HttpClient client;
  net::HttpRequest request = request_for(url, options);
  request.method = "HEAD";
  const auto send = [&] {
    return send_with_retries(options.retries, [&] { return client.perform(request); });
  };
  net::HttpResponse response = send();
  if (net::is_success(response) || is_redirect(response) || response.status == 404) return response;
  request.method = "GET";
  request.headers = {"Range: bytes=0-0"};
  return send();
}

// Returns the URL that a redirect leads to, on the same host.
std::string follow(const std::string& url, const net::HttpResponse& response) {
  const std::string to = net::header_of(response, "location");
  if (to.starts_with('/') && !to.starts_with("//")) return std::string(origin_of(url)) + to;
  if (!to.empty() && origin_of(to) == origin_of(url)) return to;
  throw data_error(
      fmt::format("{}: the server sends us on to {}: name that URL yourself if you "
                  "trust it",
                  printable_url(url), to.empty() ? "nowhere" : printable_url(to).substr(0, 200)));
}

}  // namespace

std::unique_ptr<Source> open_web_file(const std::string& asked, const WebOptions& options) {
  constexpr int kMostRedirects = 5;
  std::string url = asked.substr(0, asked.find('#'));
  try {
    net::HttpResponse response = ask(url, options);
    for (int i = 0; i < kMostRedirects && is_redirect(response); ++i) {
      url = follow(url, response);
      response = ask(url, options);
    }
    if (!net::is_success(response)) throw web_refusal(url, response);
    uint64_t size = 0;
    const std::string range = net::header_of(response, "content-range");
    if (!parse_size(range.empty() ? net::header_of(response, "content-length") : range, size)) {
      throw data_error(
          fmt::format("{}: the server gives no size of it: download it, and name the "
                      "file",
                      printable_url(url)));
    }
    // A weak ETag says nothing about bytes.
    std::string etag = net::header_of(response, "etag");
    if (!etag.starts_with('"')) etag.clear();
    return std::make_unique<WebFile>(url, size, std::move(etag), options);
  } catch (const net::HttpError& error) {
    const bool refused = error.failure() == net::HttpFailure::address_refused;
    throw data_error(fmt::format("{}: {}{}", printable_url(asked), error.reason(),
                                 refused ? ", and only such are allowed here" : ""));
  }
}

}  // namespace ringtrain::storage
