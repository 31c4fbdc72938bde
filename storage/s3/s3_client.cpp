// SPDX-License-Identifier: Apache-2.0
#include "storage/s3/s3_client.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "base/terminal/printable.hpp"
#include "net/sha256.hpp"
#include "storage/s3/xml_text.hpp"

namespace ringtrain::storage {
namespace {

// "Sat, 28 Nov 2026 16:20:00 GMT", of the header Date.
std::optional<Time> parse_http_date(const std::string& text) {
  std::tm parts{};
  if (::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts) == nullptr) return std::nullopt;
  return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

// A bucket's name with dots in it does not fit the certificate of *.s3.amazonaws.com.
bool fits_host(const std::string& bucket) {
  return bucket.find_first_of("._") == std::string::npos &&
         std::none_of(bucket.begin(), bucket.end(),
                      [](unsigned char c) { return std::isupper(c) != 0; });
}

std::string code_of(const net::HttpResponse& response) {
  std::string code = xml_text(response.body, "Code");
  if (!code.empty()) return code;
  // An answer to HEAD has no body.
  if (response.status == 404) return "NotFound";
  return response.status == 403 ? "AccessDenied" : "";
}

}  // namespace

S3Client::S3Client(S3Settings settings, RetryPolicy retries)
    : settings_(std::move(settings)), retries_(retries), credentials_(settings_, retries) {}

AwsRequest S3Client::aws_request(const S3Request& request) const {
  AwsRequest made;
  made.method = request.method;
  made.query = request.query;
  made.headers = request.headers;
  made.payload_sha256 = net::sha256(request.body);
  const auto& [bucket, key] = request.object;
  const bool in_path = settings_.path_style || !fits_host(bucket);
  std::string host = settings_.endpoint.substr(settings_.endpoint.find("//") + 2);
  if (settings_.endpoint.empty()) host = fmt::format("s3.{}.amazonaws.com", settings_.region);
  made.host = in_path ? host : bucket + "." + host;
  made.path = in_path ? fmt::format("/{}/{}", bucket, key) : "/" + key;
  return made;
}

std::string S3Client::url_of(const AwsRequest& request) const {
  const bool plain = settings_.endpoint.starts_with("http://");
  return fmt::format("{}://{}{}", plain ? "http" : "https", request.host, encoded_path(request));
}

std::string S3Client::presigned(const S3Request& request, std::chrono::seconds valid) const {
  if (!settings_.keys) return "";
  const AwsRequest aws = aws_request(request);
  const AwsScope scope = {.region = settings_.region, .time = std::chrono::system_clock::now()};
  return url_of(aws) + presigned_query(aws, *settings_.keys, scope, valid);
}

net::HttpResponse S3Client::send_once(const S3Request& request, const net::OnData& on_data) {
  const AwsRequest aws = aws_request(request);
  net::HttpRequest http;
  http.method = request.method;
  http.url = url_of(aws) + encoded_query(aws);
  http.body = request.body;
  http.data_status = request.data_status;
  http.tls.authorities = settings_.authorities;
  http.silence_timeout = std::chrono::seconds(30);
  if (const auto keys = credentials_.keys(client_)) {
    const Time now = std::chrono::system_clock::now() + std::chrono::seconds(clock_skew_);
    http.headers = sign(aws, *keys, {.region = settings_.region, .time = now});
  } else {
    for (const auto& [name, value] : aws.headers) http.headers.push_back(name + ": " + value);
  }
  const bool sends_nothing = request.body.empty() && request.method != "GET" &&
                             request.method != "HEAD" && request.method != "DELETE";
  if (sends_nothing) http.headers.emplace_back("Content-Length: 0");
  return client_.perform(http, on_data);
}

// Returns true if another try can succeed for what was learned from a refusal.
bool S3Client::correct(const net::HttpResponse& response) {
  const std::string code = xml_text(response.body, "Code");
  const bool refused = response.status == 403 || response.status == 400;
  if (refused && code == "ExpiredToken" && settings_.web_identity) {
    credentials_.forget();
    return true;
  }
  if (response.status != 403) return false;
  // The answer to HEAD says no more than 403, so that the clocks are compared for each.
  const auto theirs = parse_http_date(net::header_of(response, "date"));
  if (!theirs) return false;
  constexpr int64_t kTolerated = 240;  // AWS takes 15 minutes, others 5
  const auto skew = std::chrono::floor<std::chrono::seconds>(
      *theirs - std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
  if (std::abs(skew.count() - clock_skew_) <= kTolerated) return false;
  clock_skew_ = skew.count();
  return true;
}

net::HttpResponse S3Client::send(const S3Request& request, const net::OnData& on_data) {
  bool given = false;  // a part of the body is with the caller
  const net::OnData watched = [&](std::string_view bytes, uint64_t total) {
    given = true;
    on_data(bytes, total);
  };
  bool corrected = false;
  return send_with_retries(retries_, [&] {
    const auto once = [&] { return send_once(request, on_data ? watched : net::OnData{}); };
    try {
      net::HttpResponse response = once();
      if (!corrected && correct(response)) {
        corrected = true;
        response = once();
      }
      return response;
    } catch (const net::HttpError& error) {
      if (!given) throw;
      return net::HttpResponse{};  // status 0: whoever has a part asks for the rest
    }
  });
}

net::HttpResponse S3Client::perform(const S3Request& request) {
  net::HttpResponse response = send(request);
  if (!net::is_success(response)) throw refusal(request, response);
  return response;
}

std::string S3Client::advice(const std::string& code, const net::HttpResponse& response) const {
  if (code == "NoSuchBucket") return ": correct the bucket's name or AWS_ENDPOINT_URL";
  if (response.status == 404) return "";
  const std::string bucket_region = net::header_of(response, "x-amz-bucket-region");
  if (!bucket_region.empty() && bucket_region != settings_.region) {
    return fmt::format(": set AWS_REGION={}", bucket_region);
  }
  if (code == "AuthorizationHeaderMalformed" && !xml_text(response.body, "Region").empty()) {
    return fmt::format(": set AWS_REGION={}", xml_text(response.body, "Region"));
  }
  if (response.status == 400 && code.empty()) {  // an answer to HEAD, without a reason
    return fmt::format(": is the bucket in {}? AWS_REGION names another region", settings_.region);
  }
  if (response.status != 403 && response.status != 401) return "";
  if (settings_.keys_from.empty()) {
    return ": no keys were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile in "
           "~/.aws/credentials";
  }
  return fmt::format(": are the keys of {} the right ones, and may they do this?",
                     settings_.keys_from);
}

Error S3Client::refusal(const S3Request& request, const net::HttpResponse& response) const {
  const std::string name = request.object.print();
  const std::string code = code_of(response);
  if (code == "NoSuchKey" || code == "NotFound") {
    return data_error(fmt::format("{}: there is no such object", name));
  }
  if (response.status == 412) {
    return data_error(fmt::format("{}: has changed since it was opened: start again", name));
  }
  std::string message = printable(xml_text(response.body, "Message").substr(0, 200));
  while (message.ends_with('.')) message.pop_back();
  return data_error(fmt::format("{}: the server answers {}{}{}{}{}{}", name, response.status,
                                code.empty() ? "" : " ", code, message.empty() ? "" : ": ", message,
                                advice(code, response)));
}

}  // namespace ringtrain::storage
