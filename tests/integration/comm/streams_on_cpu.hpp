// SPDX-License-Identifier: Apache-2.0
// CUDA's streams, events and graphs on the host: work is done in order, and late, when somebody
// asks for it.
#pragma once

#include <cuda_runtime_api.h>

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace ringtrain {

// Held by every call: torch's stream is fed by one thread, and waited for by another.
inline std::recursive_mutex& streams_mutex() {
  static std::recursive_mutex mutex;
  return mutex;
}

// The calling thread's current device.
inline int& current_gpu() {
  thread_local int device = 0;
  return device;
}

}  // namespace ringtrain

// The libraries' own names for what their handles point to.
struct CUstream_st {
  using Work = std::function<bool()>;  // called until it returns true

  void add(Work one) {
    const std::lock_guard lock(ringtrain::streams_mutex());
    work.push_back(std::move(one));
  }
  bool progress() {
    const std::lock_guard lock(ringtrain::streams_mutex());
    while (!work.empty() && work.front()()) work.pop_front();
    return work.empty();
  }

  int device = ringtrain::current_gpu();
  std::deque<Work> work;
  // While a graph is captured: what every launch of it does. Nothing runs meanwhile.
  std::vector<std::function<void()>>* graph = nullptr;
};
struct CUevent_st {
  // A wait is for the newest record at the time of the call, as CUDA has it.
  struct State {
    size_t recorded = 0;
    size_t reached = 0;  // of the records, by the stream
    CUstream_st* stream = nullptr;
  };
  int device = ringtrain::current_gpu();
  std::shared_ptr<State> state = std::make_shared<State>();
};

namespace ringtrain {

// The legacy default stream. Tests write memory themselves, so its work is done.
inline bool is_legacy(cudaStream_t stream) {
  return stream == nullptr || stream == cudaStreamLegacy;
}

// Appends work to a stream, or to the graph that is being captured on it. `work` makes what
// CUstream_st::add() takes, once for each launch.
inline void then_start(cudaStream_t stream, std::function<CUstream_st::Work()> work) {
  auto launch = [stream, work = std::move(work)] { stream->add(work()); };
  if (stream->graph == nullptr) return launch();
  stream->graph->push_back(std::move(launch));
}

inline void then(cudaStream_t stream, const std::function<void()>& work) {
  if (is_legacy(stream)) return work();
  then_start(stream, [work] {
    return [work] {
      work();
      return true;
    };
  });
}

// How often memory was not pinned because another range had pinned a page of it.
inline int& pages_refused() {
  static int count = 0;
  return count;
}

inline void record(cudaStream_t stream, const std::shared_ptr<CUevent_st::State>& event) {
  const std::lock_guard lock(streams_mutex());
  const size_t number = ++event->recorded;
  event->stream = is_legacy(stream) ? nullptr : stream;
  then(stream, [event, number] { event->reached = number; });
}

}  // namespace ringtrain
