// SPDX-License-Identifier: Apache-2.0
#include "launcher/process/confine.hpp"

#include <fmt/format.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstddef>
#include <iterator>
#include <system_error>

#include "base/error.hpp"
#include "base/file_descriptor.hpp"
#include "base/spawn.hpp"

namespace ringtrain::launcher {
namespace {

constexpr int kNice = 10;

// `more`: from the limit that a signal reports to the one that nothing passes.
void limit(__rlimit_resource resource, uint64_t most, uint64_t more = 0) {
  rlimit now{};
  checked(::getrlimit(resource, &now), "getrlimit");
  const rlimit wanted{std::min<rlim_t>(most, now.rlim_max),
                      std::min<rlim_t>(most + more, now.rlim_max)};
  checked(::setrlimit(resource, &wanted), "setrlimit");
}

#if defined(__x86_64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#endif
// Numbers from here on are calls of the x32 ABI.
constexpr uint32_t kFirstOfX32 = 0x40000000;

// Refuses what opens a door to the network: socket(), and io_uring, which has one of its own.
void give_network_up() {
  constexpr uint32_t kRefuse = SECCOMP_RET_ERRNO | EACCES;
  sock_filter program[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
                           BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kArchitecture, 1, 0),
                           BPF_STMT(BPF_RET | BPF_K, kRefuse),
                           BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                           BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, kFirstOfX32, 2, 0),
                           BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 1, 0),
                           BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
                           BPF_STMT(BPF_RET | BPF_K, kRefuse),
                           BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog filter{static_cast<unsigned short>(std::size(program)), program};
  checked(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl");
  checked(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0), "seccomp");
}

uint64_t number_of(const std::string& text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw job_error(fmt::format("confine: '{}' is no number", text));
  }
  return value;
}

}  // namespace

void confine(const Confinement& limits) {
  checked(::chdir(limits.directory.c_str()), "chdir");
  // A process that is nicer already stays so.
  (void)::setpriority(PRIO_PROCESS, 0, kNice);
  // A file that grows too large is an error of write(), which the program reports in its words.
  std::signal(SIGXFSZ, SIG_IGN);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_DATA, limits.memory_bytes);
  limit(RLIMIT_FSIZE, limits.file_bytes);
  limit(RLIMIT_CPU, limits.cpu_seconds, 5);
  give_network_up();
}

std::vector<std::string> confined(const Confinement& limits,
                                  const std::vector<std::string>& words) {
  std::vector<std::string> arguments = {"confine",
                                        limits.directory.string(),
                                        std::to_string(limits.memory_bytes),
                                        std::to_string(limits.file_bytes),
                                        std::to_string(limits.cpu_seconds),
                                        "--"};
  arguments.insert(arguments.end(), words.begin(), words.end());
  return arguments;
}

void run_confined(const std::vector<std::string>& arguments) {
  if (arguments.size() < 6 || arguments[4] != "--") {
    throw job_error("confine: is for the server, which starts importers by it");
  }
  const auto program = std::filesystem::read_symlink("/proc/self/exe").string();
  confine({.directory = arguments[0],
           .memory_bytes = number_of(arguments[1]),
           .file_bytes = number_of(arguments[2]),
           .cpu_seconds = number_of(arguments[3])});
  std::vector<std::string> words = {program};
  words.insert(words.end(), arguments.begin() + 5, arguments.end());
  execute(words);
}

}  // namespace ringtrain::launcher
