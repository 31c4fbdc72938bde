// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/all_reduce/link_rate.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "runtime/comm/check_mpi.hpp"

namespace ringtrain::benchmarks {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kBuffer = 1 << 20;
constexpr int kPatience = 5000;  // ms for a connection to come about

class Socket {
 public:
  explicit Socket(int number) : number_(number) {
    if (number_ < 0) fail("socket");
  }
  Socket(Socket&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Socket(const Socket&) = delete;
  ~Socket() {
    if (number_ >= 0) ::close(number_);
  }
  int get() const { return number_; }

  [[noreturn]] static void fail(const char* call) {
    throw lost_error(fmt::format("link rate: {}: {}", call, std::strerror(errno)));
  }

 private:
  int number_;
};

bool is_ready(const Socket& socket, short events) {
  pollfd one{socket.get(), events, 0};
  return ::poll(&one, 1, kPatience) == 1 && (one.revents & events) != 0;
}

Socket listen_anywhere(int& port) {
  Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in any{};
  any.sin_family = AF_INET;
  socklen_t size = sizeof any;
  auto* const address = reinterpret_cast<sockaddr*>(&any);
  if (::bind(socket.get(), address, size) != 0) Socket::fail("bind");
  if (::listen(socket.get(), 1) != 0) Socket::fail("listen");
  if (::getsockname(socket.get(), address, &size) != 0) Socket::fail("getsockname");
  port = ntohs(any.sin_port);
  return socket;
}

// "10.0.0.1 192.168.1.7": this host's addresses, without the loopback's.
std::string own_addresses() {
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) Socket::fail("getifaddrs");
  std::string found;
  for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || one->ifa_addr->sa_family != AF_INET) continue;
    if ((one->ifa_flags & IFF_LOOPBACK) != 0 || (one->ifa_flags & IFF_UP) == 0) continue;
    char text[INET_ADDRSTRLEN] = {};
    const auto* address = reinterpret_cast<const sockaddr_in*>(one->ifa_addr);
    if (::inet_ntop(AF_INET, &address->sin_addr, text, sizeof text) == nullptr) continue;
    found += std::string(text) + " ";
  }
  ::freeifaddrs(all);
  return found;
}

Socket connect_to(const std::string& addresses, int port) {
  std::istringstream words(addresses);
  for (std::string word; words >> word;) {
    Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>(port));
    if (::inet_pton(AF_INET, word.c_str(), &to.sin_addr) != 1) continue;
    if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) != 0 &&
        errno != EINPROGRESS) {
      continue;
    }
    int problem = 0;
    socklen_t size = sizeof problem;
    if (is_ready(socket, POLLOUT) &&
        ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &problem, &size) == 0 && problem == 0) {
      return socket;
    }
  }
  throw lost_error(fmt::format("link rate: none of {}answers on port {}", addresses, port));
}

// Sends for so long, then says that this was all; meanwhile another thread receives to the end.
double exchange(const Socket& to, const Socket& from, double seconds) {
  size_t received = 0;
  Clock::time_point last = Clock::now();
  const auto start = Clock::now();
  std::thread receiver([&] {
    std::vector<char> buffer(kBuffer);
    while (is_ready(from, POLLIN)) {
      const ssize_t n = ::recv(from.get(), buffer.data(), buffer.size(), 0);
      if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN)) return;
      if (n > 0) received += static_cast<size_t>(n);
      last = Clock::now();
    }
  });
  const std::vector<char> buffer(kBuffer, 'x');
  while (std::chrono::duration<double>(Clock::now() - start).count() < seconds &&
         is_ready(to, POLLOUT)) {
    const ssize_t n = ::send(to.get(), buffer.data(), buffer.size(), MSG_NOSIGNAL);
    if (n < 0 && errno != EINTR && errno != EAGAIN) break;
  }
  ::shutdown(to.get(), SHUT_WR);
  receiver.join();
  return static_cast<double>(received) / std::chrono::duration<double>(last - start).count();
}

}  // namespace

double link_rate(const World& world, double seconds) {
  const bool first = world.node().rank() == 0;
  int port = 0;
  const Socket listener = listen_anywhere(port);
  const auto everybody = world.all_gather(first ? fmt::format("{} {}", port, own_addresses()) : "");
  double rate = 1e18;
  if (first) {
    int next = world.rank();
    do next = (next + 1) % world.size();
    while (everybody[static_cast<size_t>(next)].empty());
    std::istringstream line(everybody[static_cast<size_t>(next)]);
    int next_port = 0;
    std::string addresses;
    line >> next_port;
    std::getline(line, addresses);
    const Socket to = connect_to(addresses, next_port);
    if (!is_ready(listener, POLLIN)) Socket::fail("accept");
    const Socket from(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    rate = exchange(to, from, seconds);
  }
  double slowest = 0;
  check_mpi(MPI_Allreduce(&rate, &slowest, 1, MPI_DOUBLE, MPI_MIN, world.all().get()));
  return slowest;
}

}  // namespace ringtrain::benchmarks
