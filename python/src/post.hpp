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
// the first one that has to wait. A callback of a future may start others but not wait for them.
//
// Thread: any.
class Post {
 public:
  explicit Post(std::shared_ptr<collectives::SharedRegion> region);
  // Stops it and waits for its thread.
  ~Post();
  Post(const Post&) = delete;
  Post& operator=(const Post&) = delete;

  c10::intrusive_ptr<c10d::Work> send(const at::Tensor& tensor, int to, int tag,
                                      std::chrono::milliseconds timeout);
  c10::intrusive_ptr<c10d::Work> receive(at::Tensor& tensor, int from, int tag,
                                         std::chrono::milliseconds timeout);

  // Fails all that has not finished. Requires: the region is closed.
  void stop();

  // Returns whether the caller is in a callback that the thread runs.
  bool runs_here();

 private:
  using Request = std::shared_ptr<collectives::Mailbox::Request>;
  struct Pending {
    c10::intrusive_ptr<CallWork> work;
    Row row;
  };

  using Finished = std::vector<std::pair<Request, Pending>>;

  c10::intrusive_ptr<c10d::Work> follow(c10d::OpType operation, const at::Tensor& tensor,
                                        const std::function<Request(std::span<std::byte>)>& start);
  Finished take_finished();
  static void complete(const Finished& finished);
  void loop();
  void fail_all(std::exception_ptr error);

  int rank_;
  collectives::Mailbox mailbox_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<Request, Pending> pending_;
  bool ends_ = false;
  std::thread thread_;
};

}  // namespace ringtrain::python
