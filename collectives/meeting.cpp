// SPDX-License-Identifier: Apache-2.0
#include "collectives/meeting.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <set>
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
constexpr auto kRankZeroEnded = "rank 0 ended at the start of the group";

std::string random_nonce() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}", random(), random());
}

// Returns the same text for two processes that can share memory.
std::string this_place() {
  const char* named = std::getenv("RINGTRAIN_NODE");
  if (named != nullptr && *named != '\0') return named;
  std::string boot;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> boot;
  struct stat network = {};
  stat("/proc/self/ns/net", &network);
  return fmt::format("{}/{}/{}", boot, network.st_ino, geteuid());
}

// Returns how many bytes of addresses this process can give to an arena: half of what is left, so
// that there is some for more groups. A process whose memory is limited has no arena.
size_t room_for_arena() {
  for (const auto resource : {RLIMIT_AS, RLIMIT_FSIZE}) {
    rlimit largest = {};
    if (getrlimit(resource, &largest) == 0 && largest.rlim_cur != RLIM_INFINITY) return 0;
  }
  constexpr size_t kAddresses = size_t{1} << 46;  // every 64-bit Linux gives a process more
  size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  const size_t used = pages * static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return used < kAddresses ? (kAddresses - used) / 2 : 0;
}

struct Hello {
  std::string text, nonce;  // the text as the store has it
  size_t room;              // bytes of addresses for an arena
  std::set<std::string> cores;
  std::string place;  // may contain spaces
};

std::string write_hello(const std::string& nonce) {
  return fmt::format("{} {} {}, {}", nonce, room_for_arena(),
                     fmt::join(this_machine_core_names(), " "), this_place());
}

Hello read_hello(const std::string& text) {
  Hello hello = {.text = text, .nonce = {}, .room = 0, .cores = {}, .place = {}};
  std::string cores;
  std::istringstream in(text);
  in >> hello.nonce >> hello.room;
  std::getline(in, cores, ',');
  std::getline(in, hello.place);
  std::istringstream names(cores);
  hello.cores.insert(std::istream_iterator<std::string>(names), {});
  return hello;
}

// The arena is a promise of addresses: memory is taken as it is touched.
Meeting plan(const std::vector<Hello>& hellos, const Deadline& deadline) {
  Meeting meeting;
  size_t room = this_machine_memory().usable();
  std::set<std::string> cores;  // a launcher may have bound each rank to its own
  for (const Hello& hello : hellos) {
    room = std::min(room, hello.room);
    cores.insert(hello.cores.begin(), hello.cores.end());
  }
  Cores all = this_machine_cores();
  all.cores = static_cast<int>(cores.size());
  meeting.oversubscribed = static_cast<int>(hellos.size()) > all.usable();
  meeting.slot_bytes = meeting.oversubscribed ? kLongWaitSlotBytes : kSlotBytes;
  meeting.arena_bytes = room / hellos.size() & ~size_t{0xfffff};
  meeting.deadline = deadline;
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
        address_(sender_.listen()) {
    hellos_[0] = read_hello(write_hello(random_nonce()));
    present_[0] = true;
  }

  std::optional<Meeting> run() {
    const Deadline deadline(member_.timeout);
    greet();
    for (int pause = 1; !all_present(); pause = std::min(pause * 2, 20), greet()) {
      if (deadline.passed()) fail_late();
      std::this_thread::sleep_for(milliseconds(pause));
    }
    if (!are_together()) {
      for (const auto& [nonce, socket] : visitors_) send_text(socket.get(), "apart");
      for (size_t r = 1; r < hellos_.size(); ++r)
        store_.set(fmt::format("verdict/{}", r), hellos_[r].nonce + " apart");
      return std::nullopt;
    }
    Meeting meeting = plan(hellos_, deadline);
    meeting.memory =
        create(RegionLayout(member_.size, meeting.slot_bytes, meeting.arena_bytes).total());
    const auto verdict = fmt::format("here {} {} {}", meeting.slot_bytes, meeting.arena_bytes,
                                     meeting.oversubscribed ? 1 : 0);
    meeting.peers.resize(hellos_.size());
    for (size_t r = 1; r < hellos_.size(); ++r) {
      meeting.peers[r] = std::move(visitors_[hellos_[r].nonce]);
      const int socket = meeting.peers[r].get();
      send_text(socket, verdict);
      try {
        send_descriptor(socket, meeting.memory.get());
      } catch (const std::runtime_error&) {
        continue;  // the rank has ended: confirm() says so to all
      }
    }
    return meeting;
  }

 private:
  bool all_present() const { return std::ranges::count(present_, false) == 0; }

  void greet() {
    while (auto peer = sender_.accept(milliseconds(0)))
      visitors_[peer->said] = std::move(peer->socket);
    for (size_t r = 1; r < hellos_.size(); ++r) {
      const auto text = store_.get(fmt::format("hello/{}", r));
      if (!text) continue;
      if (*text != hellos_[r].text) {
        hellos_[r] = read_hello(*text);
        store_.set(fmt::format("welcome/{}", r), welcome(r));
      }
      present_[r] = store_.get(fmt::format("ack/{}", r)) == welcome(r);
    }
  }

  std::string welcome(size_t rank) const {
    return fmt::format("{} {} {}", hellos_[rank].nonce, hellos_[0].nonce, address_);
  }
  // Requires: all are present. A rank on this machine has connected before it acknowledged.
  bool are_together() {
    greet();
    return std::all_of(hellos_.begin() + 1, hellos_.end(), [&](const Hello& hello) {
      return hello.place == hellos_[0].place && visitors_.contains(hello.nonce);
    });
  }

  [[noreturn]] void fail_late() const {
    std::string missing;
    for (size_t r = 1; r < present_.size(); ++r)
      if (!present_[r]) missing += fmt::format("{}{}", missing.empty() ? "" : ", ", r);
    const std::string reason = fmt::format(
        "Timed out: rank {} did not come to the start of the group of {} ranks "
        "within {:g} s",
        missing, member_.size, member_.timeout.count());
    for (const auto& [nonce, socket] : visitors_) send_text(socket.get(), reason);
    throw lost_error(reason);
  }

  const Store& store_;
  const Member& member_;
  std::vector<Hello> hellos_;
  std::vector<bool> present_;  // has acknowledged our answer
  DescriptorSender sender_;
  std::string address_;
  std::map<std::string, FileDescriptor> visitors_;  // by nonce
};

// The other ranks' side.
class Visitor {
 public:
  Visitor(const Store& store, const Member& member)
      : store_(store), member_(member), me_(std::to_string(member.rank)) {}

  std::optional<Meeting> run() {
    const Deadline deadline(member_.timeout);
    store_.set("hello/" + me_, write_hello(nonce_));
    for (int pause = 1;; pause = std::min(pause * 2, 20)) {
      acknowledge();
      if (store_.get("verdict/" + me_) == nonce_ + " apart") return std::nullopt;
      if (!socket_.is_open()) {
        std::this_thread::sleep_for(milliseconds(pause));
      } else if (const auto verdict = receive_text(socket_.get(), milliseconds(pause))) {
        return obey(*verdict, deadline);
      }
      if (deadline.passed()) {
        throw lost_error(
            fmt::format("Timed out: rank 0 did not answer at the start of the group of {} "
                        "ranks within {:g} s: it, or another rank, did not come",
                        member_.size, member_.timeout.count()));
      }
    }
  }

 private:
  // A rank 0 that was started again has another nonce and another address.
  void acknowledge() {
    const std::string welcome = store_.get("welcome/" + me_).value_or("");
    if (!welcome.starts_with(nonce_) || welcome == acknowledged_) return;
    try {
      socket_ = connect_to(welcome.substr(welcome.rfind(' ') + 1), nonce_);
    } catch (const std::runtime_error&) {
      socket_.close();  // it is on another machine
    }
    store_.set("ack/" + me_, welcome);
    acknowledged_ = welcome;
  }

  std::optional<Meeting> obey(const std::string& verdict, const Deadline& deadline) {
    if (verdict == "apart") return std::nullopt;
    if (!verdict.starts_with("here ")) throw lost_error(verdict.empty() ? kRankZeroEnded : verdict);
    Meeting meeting;
    std::istringstream sizes(verdict.substr(5));
    sizes >> meeting.slot_bytes >> meeting.arena_bytes >> meeting.oversubscribed;
    meeting.memory = receive_descriptor(socket_.get(), deadline.left());
    meeting.deadline = deadline;
    meeting.peers.push_back(std::move(socket_));
    return meeting;
  }

  const Store& store_;
  const Member& member_;
  std::string me_, nonce_ = random_nonce(), acknowledged_;
  FileDescriptor socket_;
};

}  // namespace

std::optional<Meeting> meet(const Store& store, const Member& member) {
  try {
    return member.rank == 0 ? Host(store, member).run() : Visitor(store, member).run();
  } catch (const Error&) {
    throw;
  } catch (const std::runtime_error& error) {
    throw lost_error(fmt::format("shared memory of the group's ranks: {}", error.what()));
  }
}

void confirm(const Meeting& meeting, int rank, int size) {
  std::string answer = "go";
  if (rank != 0) {
    send_text(meeting.peers[0].get(), "ready");
    answer = receive_text(meeting.peers[0].get(), meeting.deadline.left())
                 .value_or("Timed out: rank 0 did not answer at the start of the group");
    if (answer.empty()) answer = kRankZeroEnded;
  }
  for (size_t r = 1; r < meeting.peers.size() && answer == "go"; ++r) {
    const auto text = receive_text(meeting.peers[r].get(), meeting.deadline.left());
    if (text == "ready") continue;
    answer = fmt::format("{}rank {} {} the start of the group of {} ranks",
                         text ? "" : "Timed out: ", r, text ? "ended at" : "did not come to", size);
  }
  for (size_t r = 1; r < meeting.peers.size(); ++r) send_text(meeting.peers[r].get(), answer);
  if (answer != "go") throw lost_error(answer);
}

}  // namespace ringtrain::collectives
