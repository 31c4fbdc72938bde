// SPDX-License-Identifier: Apache-2.0
#include "storage/s3/aws_signature.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "base/text.hpp"
#include "base/url.hpp"
#include "net/sha256.hpp"

namespace ringtrain::storage {
namespace {

AwsPairs encoded(const AwsPairs& query) {
  AwsPairs pairs;
  for (const auto& [name, value] : query) {
    pairs.emplace_back(percent_encoded(name, false), percent_encoded(value, false));
  }
  std::sort(pairs.begin(), pairs.end());
  return pairs;
}

// A value counts without spaces at its ends, and with one in place of several.
std::string canonical_value(std::string_view value) {
  std::string text;
  for (const char c : trimmed(value, " \t")) {
    if (c != ' ' || text.empty() || text.back() != ' ') text += c;
  }
  return text;
}

AwsPairs signed_headers(const AwsRequest& request) {
  AwsPairs headers = request.headers;
  headers.emplace_back("host", request.host);
  std::sort(headers.begin(), headers.end());
  return headers;
}

std::string names_of(const AwsPairs& headers) {
  std::string names;
  for (const auto& [name, value] : headers) names += (names.empty() ? "" : ";") + name;
  return names;
}

std::string print_amz_time(Time time) {
  return fmt::format("{:%Y%m%dT%H%M%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

// "20130524/us-east-1/s3/aws4_request"
std::string place_of(const AwsScope& scope) {
  return fmt::format("{}/{}/{}/aws4_request", print_amz_time(scope.time).substr(0, 8), scope.region,
                     scope.service);
}

// The signature itself, in hexadecimal, of a request with all its headers and its query.
std::string signature(const AwsRequest& request, const AwsKeys& keys, const AwsScope& scope) {
  const std::string time = print_amz_time(scope.time);
  std::string key = net::hmac_sha256_bytes("AWS4" + keys.secret_key, time.substr(0, 8));
  for (const std::string& part : {scope.region, scope.service, std::string("aws4_request")}) {
    key = net::hmac_sha256_bytes(key, part);
  }
  return net::hmac_sha256(key, fmt::format("AWS4-HMAC-SHA256\n{}\n{}\n{}", time, place_of(scope),
                                           net::sha256(canonical_request(request))));
}

}  // namespace

std::string encoded_path(const AwsRequest& request) { return percent_encoded(request.path, true); }

std::string encoded_query(const AwsRequest& request) {
  std::string text;
  for (const auto& [name, value] : encoded(request.query)) {
    text += fmt::format("{}{}={}", text.empty() ? '?' : '&', name, value);
  }
  return text;
}

std::string canonical_request(const AwsRequest& request) {
  const std::string query = encoded_query(request);
  const AwsPairs headers = signed_headers(request);
  std::string text = fmt::format("{}\n{}\n{}\n", request.method, encoded_path(request),
                                 std::string_view(query).substr(query.empty() ? 0 : 1));
  for (const auto& [name, value] : headers) {
    text += fmt::format("{}:{}\n", name, canonical_value(value));
  }
  return text + fmt::format("\n{}\n{}", names_of(headers), request.payload_sha256);
}

std::vector<std::string> sign(AwsRequest request, const AwsKeys& keys, const AwsScope& scope) {
  request.headers.emplace_back("x-amz-date", print_amz_time(scope.time));
  // Other services than S3 know it, too, and take it for a header like any other.
  if (scope.service == "s3") {
    request.headers.emplace_back("x-amz-content-sha256", request.payload_sha256);
  }
  if (!keys.session_token.empty()) {
    request.headers.emplace_back("x-amz-security-token", keys.session_token);
  }
  std::vector<std::string> lines;
  for (const auto& [name, value] : request.headers) lines.push_back(name + ": " + value);
  lines.push_back(fmt::format(
      "authorization: AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={}",
      keys.access_key, place_of(scope), names_of(signed_headers(request)),
      signature(request, keys, scope)));
  return lines;
}

std::string presigned_query(AwsRequest request, const AwsKeys& keys, const AwsScope& scope,
                            std::chrono::seconds valid) {
  request.payload_sha256 = "UNSIGNED-PAYLOAD";
  request.query.emplace_back("X-Amz-Algorithm", "AWS4-HMAC-SHA256");
  request.query.emplace_back("X-Amz-Credential", keys.access_key + "/" + place_of(scope));
  request.query.emplace_back("X-Amz-Date", print_amz_time(scope.time));
  request.query.emplace_back("X-Amz-Expires", std::to_string(valid.count()));
  request.query.emplace_back("X-Amz-SignedHeaders", names_of(signed_headers(request)));
  if (!keys.session_token.empty()) {
    request.query.emplace_back("X-Amz-Security-Token", keys.session_token);
  }
  return encoded_query(request) + "&X-Amz-Signature=" + signature(request, keys, scope);
}

}  // namespace ringtrain::storage
