// SPDX-License-Identifier: Apache-2.0
#include "collectives/meeting.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>
#include <thread>
#include <vector>

#include "base/deadline.hpp"
#include "base/error.hpp"
#include "base/machine.hpp"
#include "collectives/send_descriptor.hpp"
#include "collectives/shared_region.hpp"

namespace ringtrain::collectives {
namespace {

using std::chrono::milliseconds;

constexpr size_t kSlotBytes = size_t{256} << 10;        // stays in the second-level cache
constexpr size_t kLongWaitSlotBytes = size_t{1} << 20;  // fewer waits where each costs a time slice

std::string random_nonce() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}", random(), random());
}

// Returns the same text for two processes that can share memory.
std::string this_place() {
  if (const char* named = std::getenv("RINGTRAIN_NODE")) return named;
  std::string boot;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> boot;
  struct stat network = {};
  stat("/proc/self/ns/net", &network);
  return fmt::format("{}/{}/{}", boot, network.st_ino, geteuid());
}

struct Hello {
  std::string text;  // as the store has it
  std::string nonce;
  std::string place;
};

Hello read_hello(const std::string& text) {
  Hello hello = {.text = text, .nonce = {}, .place = {}};
  std::istringstream(text) >> hello.nonce >> hello.place;
  return hello;
}

// Sizes for `size` ranks. The arena is a promise of addresses: memory is taken as it is touched.
Meeting plan(int size) {
  Meeting meeting;
  const auto ranks = static_cast<size_t>(size);
  meeting.oversubscribed = size > this_machine_cores().usable();
  meeting.slot_bytes = meeting.oversubscribed ? kLongWaitSlotBytes : kSlotBytes;
  meeting.arena_bytes = this_machine_memory().usable() / ranks & ~size_t{0xfffff};
  rlimit largest = {};
  if (getrlimit(RLIMIT_FSIZE, &largest) == 0 && largest.rlim_cur != RLIM_INFINITY)
    meeting.arena_bytes = 0;
  return meeting;
}

FileDescriptor create(size_t bytes) {
  FileDescriptor file(
      checked(memfd_create("ringtrain", MFD_CLOEXEC | MFD_ALLOW_SEALING), "memfd_create"));
  checked(ftruncate(file.get(), static_cast<off_t>(bytes)), "ftruncate");
  checked(fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), "fcntl");
  return file;
}

// Rank 0's side.
class Host {
 public:
  Host(const Store& store, const Member& member)
      : store_(store),
        member_(member),
        hellos_(static_cast<size_t>(member.size)),
        present_(hellos_.size()),
        served_(hellos_.size()),
        meeting_(plan(member.size)) {
    hellos_[0] = {.text = "", .nonce = random_nonce(), .place = this_place()};
    present_[0] = served_[0] = true;
    meeting_.memory =
        create(RegionLayout(member.size, meeting_.slot_bytes, meeting_.arena_bytes).total());
    address_ = sender_.listen();
  }

  std::optional<Meeting> run() {
    const Deadline deadline(member_.timeout);
    for (int pause = 1; !all(present_); pause = std::min(pause * 2, 20)) {
      greet();
      if (all(present_)) break;
      if (deadline.passed()) fail(present_);
      std::this_thread::sleep_for(milliseconds(pause));
    }
    const bool together = std::all_of(hellos_.begin(), hellos_.end(), [&](const Hello& hello) {
      return hello.place == hellos_[0].place;
    });
    answer(together ? fmt::format("here {} {} {} {}", address_, meeting_.slot_bytes,
                                  meeting_.arena_bytes, meeting_.oversubscribed ? 1 : 0)
                    : "apart");
    if (!together) return std::nullopt;
    while (!all(served_)) {
      if (deadline.passed()) fail(served_);
      serve(milliseconds(20));
    }
    return std::move(meeting_);
  }

 private:
  static bool all(const std::vector<bool>& ranks) {
    return std::all_of(ranks.begin(), ranks.end(), [](bool rank) { return rank; });
  }

  void greet() {
    for (size_t r = 1; r < hellos_.size(); ++r) {
      const auto text = store_.get(fmt::format("hello/{}", r));
      if (!text) continue;
      if (*text != hellos_[r].text) {
        hellos_[r] = read_hello(*text);
        store_.set(fmt::format("welcome/{}", r), nonces_with(r));
      }
      present_[r] = store_.get(fmt::format("ack/{}", r)) == nonces_with(r);
    }
  }

  std::string nonces_with(size_t rank) const {
    return fmt::format("{} {}", hellos_[rank].nonce, hellos_[0].nonce);
  }

  void answer(const std::string& verdict) {
    for (size_t r = 1; r < hellos_.size(); ++r)
      store_.set(fmt::format("verdict/{}", r), fmt::format("{} {}", hellos_[r].nonce, verdict));
  }

  void serve(milliseconds at_most) {
    auto peer = sender_.accept(at_most);
    if (!peer) return;
    for (size_t r = 1; r < hellos_.size(); ++r) {
      if (served_[r] || peer->said != hellos_[r].nonce) continue;
      send_descriptor(peer->socket.get(), meeting_.memory.get());
      served_[r] = true;
    }
  }

  [[noreturn]] void fail(const std::vector<bool>& came) const {
    std::string missing;
    for (size_t r = 1; r < came.size(); ++r) {
      if (!came[r]) missing += fmt::format("{}{}", missing.empty() ? "" : ", ", r);
    }
    throw lost_error(
        fmt::format("Timed out: rank {} did not come to the start of the group of {} "
                    "ranks within {:g} s",
                    missing, came.size(), member_.timeout.count()));
  }

  const Store& store_;
  const Member& member_;
  std::vector<Hello> hellos_;
  std::vector<bool> present_;  // has acknowledged our answer
  std::vector<bool> served_;   // has the memory
  Meeting meeting_;
  DescriptorSender sender_;
  std::string address_;
};

std::optional<Meeting> visit(const Store& store, const Member& member) {
  const Deadline deadline(member.timeout);
  const std::string nonce = random_nonce();
  const std::string me = std::to_string(member.rank);
  store.set("hello/" + me, fmt::format("{} {}", nonce, this_place()));
  std::string acknowledged;
  for (int pause = 1;; pause = std::min(pause * 2, 20)) {
    const std::string welcome = store.get("welcome/" + me).value_or("");
    if (welcome.starts_with(nonce) && welcome != acknowledged) {
      store.set("ack/" + me, welcome);
      acknowledged = welcome;
    }
    std::istringstream text(store.get("verdict/" + me).value_or(""));
    std::string to, verdict, address;
    text >> to >> verdict >> address;
    if (to == nonce && verdict == "apart") return std::nullopt;
    if (to == nonce) {
      Meeting meeting;
      text >> meeting.slot_bytes >> meeting.arena_bytes >> meeting.oversubscribed;
      meeting.memory = receive_descriptor(address, nonce, deadline.left());
      return meeting;
    }
    if (deadline.passed()) {
      throw lost_error(
          fmt::format("Timed out: rank 0 did not answer at the start of the group of {} "
                      "ranks within {:g} s: it, or another rank, did not come",
                      member.size, member.timeout.count()));
    }
    std::this_thread::sleep_for(milliseconds(pause));
  }
}

}  // namespace

std::optional<Meeting> meet(const Store& store, const Member& member) {
  try {
    return member.rank == 0 ? Host(store, member).run() : visit(store, member);
  } catch (const Error&) {
    throw;
  } catch (const std::runtime_error& error) {
    throw lost_error(fmt::format("shared memory of the group's ranks: {}", error.what()));
  }
}

}  // namespace ringtrain::collectives
