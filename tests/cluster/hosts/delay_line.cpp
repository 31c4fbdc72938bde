// SPDX-License-Identifier: Apache-2.0
// A cable that takes its time, for kernels without sch_netem: makes two taps, NEAR and FAR, and
// hands every frame from one to the other so many milliseconds later. Ends with its stdin.
//
//   delay_line NEAR FAR TO_NEAR_MILLISECONDS [TO_FAR_MILLISECONDS]
//
// Frames keep their virtio header, so that the kernels at both ends leave segments and checksums of
// TCP alone: one read moves up to 64 KiB, where plain taps move 1.5 KB.
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kFrameBytes = 66 * 1024;         // 64 KiB of TCP and its headers
constexpr size_t kMostBytes = size_t{256} << 20;  // then frames are dropped, as a router does
constexpr int kFramesAtOnce = 64;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "delay_line: %s: %s\n", what.c_str(), std::strerror(errno));
  std::exit(1);
}

int open_tap(const char* name) {
  const int tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (tap < 0) fail("/dev/net/tun");
  ifreq request = {};
  std::strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
  if (ioctl(tap, TUNSETIFF, &request) != 0) fail(name);
  constexpr unsigned long kOffload = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
  if (ioctl(tap, TUNSETOFFLOAD, kOffload) != 0) fail("TUNSETOFFLOAD");
  return tap;
}

struct Frame {
  Clock::time_point due;
  size_t size;
  std::unique_ptr<std::array<std::byte, kFrameBytes>> bytes;
};

// One direction of the cable.
class Direction {
 public:
  Direction(int from, int to, Clock::duration delay) : from_(from), to_(to), delay_(delay) {}

  // Takes what has arrived.
  void take() {
    for (int i = 0; i < kFramesAtOnce; ++i) {
      auto bytes = spare();
      const ssize_t size = read(from_, bytes->data(), bytes->size());
      if (size <= 0 || waiting_.size() * kFrameBytes > kMostBytes) {
        spare_.push_back(std::move(bytes));
        if (size <= 0) return;
        continue;
      }
      waiting_.push_back({Clock::now() + delay_, static_cast<size_t>(size), std::move(bytes)});
    }
  }

  // Hands on what is due. A frame that the other end does not take is lost, as frames may be.
  void hand_on() {
    const auto now = Clock::now();
    while (!waiting_.empty() && waiting_.front().due <= now) {
      Frame& frame = waiting_.front();
      const ssize_t written = write(to_, frame.bytes->data(), frame.size);
      static_cast<void>(written);
      spare_.push_back(std::move(frame.bytes));
      waiting_.pop_front();
    }
  }

  std::optional<Clock::time_point> next() const {
    return waiting_.empty() ? std::nullopt : std::optional(waiting_.front().due);
  }

 private:
  std::unique_ptr<std::array<std::byte, kFrameBytes>> spare() {
    if (spare_.empty()) return std::make_unique<std::array<std::byte, kFrameBytes>>();
    auto bytes = std::move(spare_.back());
    spare_.pop_back();
    return bytes;
  }

  int from_, to_;
  Clock::duration delay_;
  std::deque<Frame> waiting_;
  std::vector<std::unique_ptr<std::array<std::byte, kFrameBytes>>> spare_;
};

// Sleeps until a frame arrives or is due. Returns false once stdin has ended.
bool wait(std::array<pollfd, 3>& files, const Direction& there, const Direction& back) {
  std::optional<Clock::time_point> due = there.next();
  if (const auto other = back.next(); other && (!due || *other < *due)) due = other;
  timespec timeout = {};
  if (due) {
    const auto left = std::max(Clock::duration{}, *due - Clock::now());
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
    timeout = {seconds.count(), (left - seconds).count()};
  }
  if (ppoll(files.data(), files.size(), due ? &timeout : nullptr, nullptr) < 0 && errno != EINTR) {
    fail("ppoll");
  }
  return files[2].revents == 0;
}

Clock::duration milliseconds(const char* text) {
  char* end = nullptr;
  const double value = std::strtod(text, &end);
  if (end == text || *end != '\0' || !(value >= 0) || value > 1e6) {
    std::fprintf(stderr, "delay_line: '%s' is no number of milliseconds\n", text);
    std::exit(2);
  }
  return std::chrono::duration_cast<Clock::duration>(
      std::chrono::duration<double, std::milli>(value));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4 && argc != 5) {
    std::fprintf(stderr, "usage: delay_line NEAR FAR TO_NEAR_MILLISECONDS [TO_FAR_MILLISECONDS]\n");
    return 2;
  }
  const auto to_near = milliseconds(argv[3]);
  const auto to_far = argc == 5 ? milliseconds(argv[4]) : Clock::duration{};
  prctl(PR_SET_TIMERSLACK, 1000UL);
  const int near = open_tap(argv[1]);
  const int far = open_tap(argv[2]);
  Direction inward(far, near, to_near), outward(near, far, to_far);
  std::puts("ready");
  std::fflush(stdout);
  std::array<pollfd, 3> files = {
      {{near, POLLIN, 0}, {far, POLLIN, 0}, {STDIN_FILENO, POLLIN | POLLHUP, 0}}};
  while (wait(files, inward, outward)) {
    if (files[0].revents != 0) outward.take();
    if (files[1].revents != 0) inward.take();
    inward.hand_on();
    outward.hand_on();
  }
  return 0;
}
