// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "collectives/mailbox.hpp"
#include "python/src/tensors.hpp"
#include "python/src/work.hpp"

namespace ringtrain::python {

// send and recv of one group: finished at once where possible, else by a thread that starts with
// the first one that has to wait.
//
// Thread: any. The destructor gives up what has not finished.
class Post {
 public:
  explicit Post(std::shared_ptr<collectives::SharedRegion> region);
  ~Post();
  Post(const Post&) = delete;
  Post& operator=(const Post&) = delete;

  c10::intrusive_ptr<c10d::Work> send(const at::Tensor& tensor, int to, int tag,
                                      std::chrono::milliseconds timeout);
  c10::intrusive_ptr<c10d::Work> receive(at::Tensor& tensor, int from, int tag,
                                         std::chrono::milliseconds timeout);

 private:
  using Request = std::shared_ptr<collectives::Mailbox::Request>;
  struct Pending {
    c10::intrusive_ptr<CallWork> work;
    Row row;
  };

  c10::intrusive_ptr<c10d::Work> follow(const Request& request, Pending pending);
  static void complete(const collectives::Mailbox::Request& request, const Pending& pending);
  void loop();
  void fail_all(std::exception_ptr error);

  int process_, rank_;
  collectives::Mailbox mailbox_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<Request, Pending> pending_;
  bool ends_ = false;
  std::thread thread_;
};

}  // namespace ringtrain::python
