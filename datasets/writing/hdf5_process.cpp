// SPDX-License-Identifier: Apache-2.0
#include "datasets/writing/hdf5_process.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

#include "base/error.hpp"

namespace ringtrain::datasets {
namespace {

void limit(uint64_t memory) {
  // Sanitizers map terabytes that they hardly use.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  const rlimit most{memory, memory};
  ::setrlimit(RLIMIT_AS, &most);
#else
  static_cast<void>(memory);
#endif
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
}

}  // namespace

Hdf5Process::Hdf5Process(std::string name, uint64_t memory, const std::function<int(int out)>& work)
    : name_(std::move(name)) {
  try {
    Pipe pipe = make_pipe();
    const auto body = [&] {
      pipe.read_end.close();
      limit(memory);
      std::signal(SIGPIPE, SIG_DFL);
      return work(pipe.write_end.get());
    };
    child_ = Child({.body = body});
    in_ = std::move(pipe.read_end);
  } catch (const std::system_error& error) {
    throw data_error(fmt::format("{}: no process to read it in: {}", name_, error.what()));
  }
}

bool Hdf5Process::read(void* data, size_t size) {
  auto* to = static_cast<char*>(data);
  while (size > 0) {
    const ssize_t n = ::read(in_.get(), to, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    to += n;
    size -= static_cast<size_t>(n);
  }
  return true;
}

ExitStatus Hdf5Process::end() {
  in_.close();
  return child_.wait();
}

void Hdf5Process::damaged() {
  const ExitStatus status = end();
  if (status.signal != 0) {
    throw data_error(
        fmt::format("{}: damaged: it crashes libhdf5 (signal {})", name_, status.signal));
  }
  throw data_error(fmt::format("{}: damaged, or packed with a filter that is not built in", name_));
}

}  // namespace ringtrain::datasets
