// SPDX-License-Identifier: Apache-2.0
#include "collectives/meeting.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <random>
#include <set>
#include <sstream>
#include <thread>

#include "base/deadline.hpp"
#include "base/error.hpp"
#include "base/machine.hpp"
#include "collectives/hello.hpp"
#include "collectives/send_descriptor.hpp"
#include "collectives/shared_region.hpp"

namespace ringtrain::collectives {
namespace {

using std::chrono::milliseconds;

constexpr size_t kSlotBytes = size_t{512} << 10;        // two fit into a second-level cache
constexpr size_t kLongWaitSlotBytes = size_t{1} << 20;  // fewer waits where each costs a time slice
constexpr auto kApart = " apart ";

std::string random_nonce() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}", random(), random());
}

std::string rank_zero_ended(const std::vector<int>& names) {
  return fmt::format("rank {} ended at the start of the group", name_of(0, names));
}

// text: a name, and the node of each rank.
Apart read_apart(const std::string& text) {
  Apart apart;
  std::istringstream in(text);
  in >> apart.name;
  apart.nodes.assign(std::istream_iterator<int>(in), {});
  return apart;
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

  std::variant<Meeting, Apart> run() {
    const Deadline deadline(member_.timeout);
    greet();
    for (int pause = 1; !all_present(); pause = std::min(pause * 2, 20), greet()) {
      if (deadline.passed()) fail_late();
      std::this_thread::sleep_for(milliseconds(pause));
    }
    if (const auto nodes = number_nodes(); std::ranges::count(nodes, 0) < member_.size) {
      const auto found = fmt::format("{} {}", hellos_[0].nonce, fmt::join(nodes, " "));
      for (size_t r = 1; r < hellos_.size(); ++r)
        store_.set(fmt::format("verdict/{}", r), hellos_[r].nonce + kApart + found);
      for (const auto& [nonce, socket] : visitors_) send_text(socket.get(), "apart");
      return read_apart(found);
    }
    Meeting meeting = plan(hellos_, deadline);
    meeting.names = member_.names;
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
  // Requires: all are present. A rank that shares memory with this one has connected before it
  // acknowledged; of the others, their places have to do.
  std::vector<int> number_nodes() {
    greet();
    std::map<std::string, int> numbers = {{hellos_[0].place, 0}};
    std::vector<int> nodes = {0};
    int next = 1;
    for (auto hello = hellos_.begin() + 1; hello != hellos_.end(); ++hello) {
      if (hello->place == hellos_[0].place && !visitors_.contains(hello->nonce)) {
        nodes.push_back(next++);
        continue;
      }
      const auto [number, is_new] = numbers.try_emplace(hello->place, next);
      if (is_new) ++next;
      nodes.push_back(number->second);
    }
    return nodes;
  }

  [[noreturn]] void fail_late() const {
    std::string missing;
    for (size_t r = 1; r < present_.size(); ++r)
      if (!present_[r]) {
        missing += fmt::format("{}{}", missing.empty() ? "" : ", ",
                               name_of(static_cast<int>(r), member_.names));
      }
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

  std::variant<Meeting, Apart> run() {
    const Deadline deadline(member_.timeout);
    store_.set("hello/" + me_, write_hello(nonce_));
    for (int pause = 1;; pause = std::min(pause * 2, 20)) {
      acknowledge();
      if (auto apart = read_verdict()) return *apart;
      if (!socket_.is_open()) {
        std::this_thread::sleep_for(milliseconds(pause));
      } else if (const auto verdict = receive_text(socket_.get(), milliseconds(pause))) {
        return obey(*verdict, deadline);
      }
      if (deadline.passed()) {
        throw lost_error(
            fmt::format("Timed out: rank {} did not answer at the start of the group of {} "
                        "ranks within {:g} s: it, or another rank, did not come",
                        name_of(0, member_.names), member_.size, member_.timeout.count()));
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

  std::optional<Apart> read_verdict() const {
    const std::string verdict = store_.get("verdict/" + me_).value_or("");
    const std::string apart = nonce_ + kApart;
    if (!verdict.starts_with(apart)) return std::nullopt;
    return read_apart(verdict.substr(apart.size()));
  }

  std::variant<Meeting, Apart> obey(const std::string& verdict, const Deadline& deadline) {
    if (verdict == "apart") return read_verdict().value();  // rank 0 has set it before
    if (!verdict.starts_with("here "))
      throw lost_error(verdict.empty() ? rank_zero_ended(member_.names) : verdict);
    Meeting meeting;
    meeting.names = member_.names;
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

int name_of(int rank, const std::vector<int>& names) {
  return names.empty() ? rank : names[static_cast<size_t>(rank)];
}

std::variant<Meeting, Apart> meet(const Store& store, const Member& member) {
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
    answer =
        receive_text(meeting.peers[0].get(), meeting.deadline.left())
            .value_or(fmt::format("Timed out: rank {} did not answer at the start of the group",
                                  name_of(0, meeting.names)));
    if (answer.empty()) answer = rank_zero_ended(meeting.names);
  }
  for (size_t r = 1; r < meeting.peers.size() && answer == "go"; ++r) {
    const auto text = receive_text(meeting.peers[r].get(), meeting.deadline.left());
    if (text == "ready") continue;
    answer = fmt::format("{}rank {} {} the start of the group of {} ranks",
                         text ? "" : "Timed out: ", name_of(static_cast<int>(r), meeting.names),
                         text ? "ended at" : "did not come to", size);
  }
  for (size_t r = 1; r < meeting.peers.size(); ++r) send_text(meeting.peers[r].get(), answer);
  if (answer != "go") throw lost_error(answer);
}

}  // namespace ringtrain::collectives
