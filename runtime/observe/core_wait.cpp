// SPDX-License-Identifier: Apache-2.0
#include "runtime/observe/core_wait.hpp"

#include <algorithm>
#include <fstream>
#include <system_error>

namespace ringtrain {
namespace {

constexpr double kLeastSeconds = 2;
constexpr double kShare = 1.0 / 3;

}  // namespace

ThreadTimes read_thread_times(const std::filesystem::path& tasks) {
  ThreadTimes sum;
  std::error_code ignored;  // threads may end meanwhile
  const std::filesystem::directory_iterator end;
  for (std::filesystem::directory_iterator task(tasks, ignored); task != end;
       task.increment(ignored)) {
    double ran = 0;
    double waited = 0;  // both in nanoseconds
    if (std::ifstream(task->path() / "schedstat") >> ran >> waited) {
      sum.ran += ran * 1e-9;
      sum.waited += waited * 1e-9;
    }
  }
  return sum;
}

std::optional<double> CoreWait::update(const ThreadTimes& now) {
  if (reported_) return std::nullopt;
  if (!from_) from_ = now;
  const double waited = now.waited - from_->waited;
  const double wanted = waited + now.ran - from_->ran;
  if (wanted < kLeastSeconds) return std::nullopt;
  from_ = now;
  if (waited < kShare * wanted) return std::nullopt;
  reported_ = true;
  return std::clamp(waited / wanted, 0.0, 1.0);  // threads that ended take their times along
}

}  // namespace ringtrain
