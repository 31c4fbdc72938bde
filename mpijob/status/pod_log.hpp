// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "mpijob/client/api_client.hpp"

namespace ringtrain::mpijob {

// Follows a pod's log, line by line, while the client's transport waits. Starts at once.
class PodLog {
 public:
  using OnLine = std::function<void(const std::string& line)>;

  // `query` is as in "tailLines=100"; lines have timestamps. The client must outlive the object.
  PodLog(ApiClient& client, const std::string& pod, const std::string& query, OnLine on_line);
  PodLog(const PodLog&) = delete;
  PodLog& operator=(const PodLog&) = delete;

  const std::string& pod() const { return pod_; }
  // Returns whether the stream has ended, as the container has, or the connection was lost. OnLine
  // has then received an unfinished last line, too.
  bool has_ended() const { return end_.has_value(); }
  // Throws the ApiError of a refusal that is not temporary.
  void check() const;

 private:
  std::string name_space_;
  std::string pod_;
  OnLine on_line_;
  std::string open_;
  std::optional<StreamEnd> end_;
  Transport::StreamPointer stream_;
};

}  // namespace ringtrain::mpijob
