// SPDX-License-Identifier: Apache-2.0
#include "runtime/observe/flight_recorder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <system_error>
#include <utility>

namespace ringtrain {
namespace {

constexpr double kBeforeTimeout = 0.9;

}  // namespace

FlightRecorder::FlightRecorder(std::filesystem::path file, int rank, int world_size,
                               std::chrono::duration<double> timeout)
    : file_(std::move(file)), rank_(rank), world_size_(world_size), timeout_(timeout) {
  std::error_code ignored;
  std::filesystem::remove(file_, ignored);
  watcher_ = std::thread([this] { watch(); });
}

FlightRecorder::~FlightRecorder() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  stop_changed_.notify_all();
  watcher_.join();
  std::error_code ignored;
  if (written_ && !failed_) std::filesystem::remove(file_, ignored);
}

double FlightRecorder::now() {
  return std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
}

void FlightRecorder::queued(uint64_t sequence, const char* operation, size_t bytes) {
  const std::lock_guard lock(mutex_);
  call(sequence) = {.sequence = sequence,
                    .operation = operation,
                    .bytes = bytes,
                    .state = "queued",
                    .queued_at = now()};
}

void FlightRecorder::started(uint64_t sequence) {
  const std::lock_guard lock(mutex_);
  call(sequence).state = "started";
  call(sequence).started_at = now();
}

void FlightRecorder::ended(uint64_t sequence) {
  const std::lock_guard lock(mutex_);
  call(sequence).state = "ended";
  call(sequence).ended_at = last_end_ = now();
}

std::string FlightRecorder::failed(uint64_t sequence) {
  const std::lock_guard lock(mutex_);
  call(sequence).state = "failed";
  call(sequence).ended_at = now();
  failed_ = true;
  if (!write("a collective call failed")) return "";
  return fmt::format(": what rank {} did last is in {}", rank_, file_.string());
}

// A file of a slow stretch that came to a good end is taken away again.
void FlightRecorder::watch() {
  std::unique_lock lock(mutex_);
  const auto pause = std::min(timeout_ / 20, std::chrono::duration<double>(1));
  while (!stop_changed_.wait_for(lock, pause, [this] { return stop_; })) {
    if (failed_) continue;  // what is written stays
    const bool late = now() - last_end_ > kBeforeTimeout * timeout_.count();
    if (late && !written_) {
      written_ = write(fmt::format("no collective call has ended for {:.1f} s", now() - last_end_));
    } else if (!late && written_) {
      std::error_code ignored;
      std::filesystem::remove(file_, ignored);
      written_ = false;
    }
  }
}

bool FlightRecorder::write(const std::string& reason) {
  std::error_code ignored;
  std::filesystem::create_directories(file_.parent_path(), ignored);  // hosts other than rank 0's
  std::vector<Call> calls;
  std::copy_if(calls_.begin(), calls_.end(), std::back_inserter(calls),
               [](const Call& one) { return one.sequence > 0; });
  std::sort(calls.begin(), calls.end(),
            [](const Call& a, const Call& b) { return a.sequence < b.sequence; });
  const std::filesystem::path pending = file_.string() + ".new";
  std::ofstream out(pending);
  out << fmt::format(
      R"({{"rank": {}, "world_size": {}, "reason": "{}", "written_at": {:.6f}, "calls": [)", rank_,
      world_size_, reason, now());
  for (size_t i = 0; i < calls.size(); ++i) {
    const Call& one = calls[i];
    out << fmt::format(
        "{}\n"
        R"({{"sequence": {}, "operation": "{}", "bytes": {}, "state": "{}", "queued_at": {:.6f}, )"
        R"("started_at": {:.6f}, "ended_at": {:.6f}}})",
        i == 0 ? "" : ",", one.sequence, one.operation, one.bytes, one.state, one.queued_at,
        one.started_at, one.ended_at);
  }
  out << "\n]}\n" << std::flush;
  if (!out) return false;
  out.close();
  std::filesystem::rename(pending, file_, ignored);
  return !ignored;
}

}  // namespace ringtrain
