// SPDX-License-Identifier: Apache-2.0
// Answers that last, such as a watch or a log that is followed: several side by side in one thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "net/http_client.hpp"

namespace ringtrain::net {

struct StreamEnd {
  HttpResponse response;           // with a body where it was no success
  std::optional<HttpError> error;  // there was no answer, or the connection broke
};

// Thread: one at a time. Streams progress, and callbacks run, in wait() alone; callbacks must not
// call the object or close a stream.
class HttpStreams {
 public:
  using OnEnd = std::function<void(const StreamEnd& end)>;

  HttpStreams();
  ~HttpStreams();
  HttpStreams(const HttpStreams&) = delete;
  HttpStreams& operator=(const HttpStreams&) = delete;

  // Its destructor closes the connection; it must not outlive the HttpStreams.
  class Stream;
  struct Close {
    void operator()(Stream* stream) const;
  };
  using StreamPointer = std::unique_ptr<Stream, Close>;

  StreamPointer open(const HttpRequest& request, OnData on_data, OnEnd on_end);

  // Returns true as soon as a stream has received data or has ended, false after `at_most`.
  bool wait(std::chrono::milliseconds at_most);

 private:
  struct Multi;
  std::unique_ptr<Multi> multi_;
};

}  // namespace ringtrain::net
