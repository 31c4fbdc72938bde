// SPDX-License-Identifier: Apache-2.0
#include "mpijob/client/transport.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <optional>
#include <thread>
#include <utility>

#include "base/deadline.hpp"
#include "mpijob/client/api_error.hpp"
#include "net/base64.hpp"

namespace ringtrain::mpijob {
namespace {

using std::chrono::milliseconds;

constexpr std::chrono::seconds kRepeatFor(8);
constexpr milliseconds kFirstPause(250);

bool is_overloaded(long status) {
  return status == 429 || status == 502 || status == 503 || status == 504;
}

std::string describe(const net::HttpError& error) {
  switch (error.failure()) {
    case net::HttpFailure::server_certificate:
      return fmt::format(
          "its certificate is not trusted ({}): certificate-authority in the kubeconfig is not "
          "this cluster's",
          error.reason());
    case net::HttpFailure::client_certificate:
      return fmt::format("the kubeconfig's client certificate cannot be used ({})", error.reason());
    default:
      return error.reason();
  }
}

}  // namespace

Transport::Transport(Access access) : access_(std::move(access)) {
  if (access_.insecure) {
    std::fputs(fmt::format("ringtrain: warning: {} turns off the verification of TLS: anybody "
                           "between here and the server can read and change what is sent\n",
                           access_.origin)
                   .c_str(),
               stderr);
  }
}

net::HttpRequest Transport::with_credentials(const ApiRequest& request) {
  const Credential credential = credentials_.current();
  net::HttpRequest result;
  result.method = request.method;
  result.url = access_.server + request.target;
  result.body = request.body;
  result.timeout = request.timeout;
  result.proxy = access_.proxy;
  result.compressed = true;
  result.tls = {.authorities = access_.certificate_authority,
                .client_certificate = credential.client_certificate,
                .client_key = credential.client_key,
                .server_name = access_.tls_server_name,
                .verify = !access_.insecure};
  result.headers = {"Accept: application/json, */*"};
  if (!request.body.empty()) result.headers.push_back("Content-Type: " + request.content_type);
  if (!credential.token.empty()) {
    result.headers.push_back("Authorization: Bearer " + credential.token);
  } else if (!access_.username.empty()) {
    result.headers.push_back("Authorization: Basic " +
                             net::encode_base64(access_.username + ":" + access_.password));
  }
  if (!access_.impersonated_user.empty()) {
    result.headers.push_back("Impersonate-User: " + access_.impersonated_user);
  }
  for (const std::string& group : access_.impersonated_groups) {
    result.headers.push_back("Impersonate-Group: " + group);
  }
  return result;
}

net::HttpResponse Transport::perform(const ApiRequest& request) {
  const Deadline give_up(kRepeatFor);
  milliseconds pause = kFirstPause;
  bool renewed = false;
  for (;;) {
    net::HttpResponse response;
    std::optional<net::HttpError> error;
    try {
      response = client_.perform(with_credentials(request));
    } catch (const net::HttpError& caught) {
      error = caught;
    }
    if (response.status == 401 && !renewed && credentials_.renew()) {
      renewed = true;
      continue;
    }
    // A request that was not received, or was refused for its rate, can be sent again whatever it
    // does.
    const bool again = (error && error->failure() == net::HttpFailure::not_connected) ||
                       response.status == 429 ||
                       (request.method == "GET" && is_overloaded(response.status));
    if (again && give_up.left() > pause) {
      std::this_thread::sleep_for(pause);
      pause *= 2;
      continue;
    }
    if (error) {
      throw ApiError(0, "",
                     fmt::format("the API server {} cannot be reached: {} ({})", access_.server,
                                 describe(*error), access_.origin));
    }
    return response;
  }
}

Transport::StreamPointer Transport::open(const ApiRequest& request, OnData on_data, OnEnd on_end) {
  return streams_.open(
      with_credentials(request),
      [take = std::move(on_data)](std::string_view bytes, uint64_t /*total*/) { take(bytes); },
      [end = std::move(on_end)](const net::StreamEnd& ended) {
        if (ended.error) {
          end({.status = 0, .body = {}, .problem = describe(*ended.error)});
        } else {
          end({.status = ended.response.status, .body = ended.response.body, .problem = {}});
        }
      });
}

}  // namespace ringtrain::mpijob
