// SPDX-License-Identifier: Apache-2.0
#include "storage/s3/aws_credentials.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "base/url.hpp"
#include "storage/s3/xml_text.hpp"

namespace ringtrain::storage {

std::optional<AwsKeys> AwsCredentials::keys(net::HttpClient& client) {
  if (!settings_.web_identity) return settings_.keys;
  const std::lock_guard lock(mutex_);
  constexpr std::chrono::minutes kEarly{5};
  if (!temporary_ || std::chrono::system_clock::now() + kEarly > expires_) assume_role(client);
  return temporary_;
}

void AwsCredentials::forget() {
  const std::lock_guard lock(mutex_);
  temporary_.reset();
}

void AwsCredentials::assume_role(net::HttpClient& client) {
  const WebIdentity& identity = *settings_.web_identity;
  // Kubernetes replaces the token in the file from time to time.
  const std::string token(trimmed(read_file(identity.token_file)));
  net::HttpRequest request;
  request.method = "POST";
  request.url = identity.endpoint + "/";
  request.headers = {"Content-Type: application/x-www-form-urlencoded"};
  request.silence_timeout = std::chrono::seconds(30);
  request.tls.authorities = settings_.authorities;
  request.body = fmt::format(
      "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn={}&RoleSessionName={}&"
      "WebIdentityToken={}",
      percent_encoded(identity.role, false), percent_encoded(identity.session_name, false),
      percent_encoded(token, false));
  const net::HttpResponse response =
      send_with_retries(retries_, [&] { return client.perform(request); });
  if (!net::is_success(response)) {
    throw job_error(fmt::format("{}: {} refuses the token of {} for {}: {} {}", settings_.keys_from,
                                identity.endpoint, identity.token_file, identity.role,
                                response.status, xml_text(response.body, "Message")));
  }
  AwsKeys keys{xml_text(response.body, "AccessKeyId"), xml_text(response.body, "SecretAccessKey"),
               xml_text(response.body, "SessionToken")};
  const auto expires = parse_time(xml_text(response.body, "Expiration"));
  if (keys.access_key.empty() || keys.secret_key.empty() || !expires) {
    throw job_error(fmt::format("{}: the answer of {} has no keys in it", settings_.keys_from,
                                identity.endpoint));
  }
  temporary_ = std::move(keys);
  expires_ = *expires;
}

}  // namespace ringtrain::storage
