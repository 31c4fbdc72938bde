// SPDX-License-Identifier: Apache-2.0
#include "runtime/observe/core_wait.hpp"

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
  for (const auto& task : std::filesystem::directory_iterator(tasks, ignored)) {
    double ran = 0;
    double waited = 0;  // both in nanoseconds
    if (std::ifstream(task.path() / "schedstat") >> ran >> waited) {
      sum.ran += ran * 1e-9;
      sum.waited += waited * 1e-9;
    }
  }
  return sum;
}

std::optional<double> CoreWait::update(const ThreadTimes& now) {
  if (told_) return std::nullopt;
  if (!from_) from_ = now;
  const double waited = now.waited - from_->waited;
  const double wanted = waited + now.ran - from_->ran;
  if (wanted < kLeastSeconds) return std::nullopt;
  from_ = now;
  if (waited < kShare * wanted) return std::nullopt;
  told_ = true;
  return waited / wanted;
}

}  // namespace ringtrain
