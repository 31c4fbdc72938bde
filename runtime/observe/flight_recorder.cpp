// SPDX-License-Identifier: Apache-2.0
#include "runtime/observe/flight_recorder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <system_error>
#include <utility>

#include "base/error.hpp"

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
  FlightCall& entry = call(sequence);
  entry = FlightCall();
  entry.sequence = sequence;
  entry.operation = operation;
  entry.bytes = bytes;
  entry.queued_at = now();
}

void FlightRecorder::started(uint64_t sequence) {
  const std::lock_guard lock(mutex_);
  call(sequence).state = FlightState::started;
  call(sequence).started_at = now();
}

void FlightRecorder::ended(uint64_t sequence) {
  const std::lock_guard lock(mutex_);
  call(sequence).state = FlightState::ended;
  call(sequence).ended_at = last_end_ = now();
}

std::string FlightRecorder::failed(uint64_t sequence) {
  const std::lock_guard lock(mutex_);
  call(sequence).state = FlightState::failed;
  call(sequence).ended_at = now();
  failed_ = true;
  if (!write("a collective call failed")) return "";
  return fmt::format(": what rank {} did last is in {}", rank_, file_.string());
}

// Removes the file of a slow phase once calls end again.
void FlightRecorder::watch() {
  std::unique_lock lock(mutex_);
  const auto pause = std::min(timeout_ / 20, std::chrono::duration<double>(1));
  while (!stop_changed_.wait_for(lock, pause, [this] { return stop_; })) {
    if (failed_) continue;  // the file stays
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
  FlightFile flight{
      .rank = rank_, .world_size = world_size_, .reason = reason, .written_at = now(), .calls = {}};
  std::copy_if(calls_.begin(), calls_.end(), std::back_inserter(flight.calls),
               [](const FlightCall& one) { return one.sequence > 0; });
  std::sort(flight.calls.begin(), flight.calls.end(),
            [](const FlightCall& a, const FlightCall& b) { return a.sequence < b.sequence; });
  try {
    write_flight(file_, flight);
    return true;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace ringtrain
