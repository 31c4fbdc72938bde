// SPDX-License-Identifier: Apache-2.0
#include "mpijob/status/pod_log.hpp"

#include <string_view>
#include <utility>

#include "mpijob/client/api_error.hpp"

namespace ringtrain::mpijob {
namespace {

constexpr size_t kLongestLine = 16 << 20;

ApiRequest request_for(ApiClient& client, const std::string& pod, const std::string& query) {
  ApiRequest request;
  request.target = address(pod_logs, client.name_space(), pod) + "?follow=true&timestamps=true" +
                   (query.empty() ? "" : "&" + query);
  request.timeout = std::chrono::hours(24);
  return request;
}

}  // namespace

PodLog::PodLog(ApiClient& client, const std::string& pod, const std::string& query, OnLine on_line)
    : name_space_(client.name_space()),
      pod_(pod),
      on_line_(std::move(on_line)),
      stream_(client.transport().open(
          request_for(client, pod, query),
          [this](std::string_view bytes) {
            while (!bytes.empty()) {
              const auto end = bytes.find('\n');
              open_ += bytes.substr(0, end);
              if (end == std::string_view::npos && open_.size() < kLongestLine) return;
              on_line_(std::exchange(open_, {}));
              bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
            }
          },
          [this](const StreamEnd& end) {
            end_ = end;
            if (!open_.empty()) on_line_(std::exchange(open_, {}));
          })) {}

void PodLog::check() const {
  if (!end_ || end_->status == 200 || end_->status == 0 || end_->status >= 500) return;
  // A pod whose container is being created has no log yet, or it has just been replaced.
  if (end_->status == 400 || end_->status == 404 || end_->status == 401) return;
  throw explain_refusal({"get", pod_logs, name_space_, pod_}, end_->status, end_->body);
}

}  // namespace ringtrain::mpijob
