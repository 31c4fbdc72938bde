// SPDX-License-Identifier: Apache-2.0
// Which ranges a fetcher has, fetches next, and gives up: without input or output.
//
// A range is fetched because a rank waits for it, or wants it soon and there is room. What is held
// stays. Of the rest, ranges that nobody wants go first, the one that was used last the longest
// time ago; where a rank waits, ranges that are only wanted go, too, the newest wish first.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace ringtrain::storage {

struct RangeKey {
  uint32_t object = 0;
  uint64_t offset = 0;
  auto operator<=>(const RangeKey&) const = default;
};

struct KeyedRange {
  RangeKey key;
  uint64_t size = 0;
};

// A rank that waits for a range.
struct Waiter {
  int client = 0;
  uint64_t ticket = 0;
};

// Thread: one at a time.
class RangeTable {
 public:
  explicit RangeTable(uint64_t budget) : budget_(budget) {}

  void want(int client, const KeyedRange& range);
  // Returns true if the range is there. Else its fetch() comes next, and fetched() returns the
  // waiter.
  bool hold(const Waiter& waiter, const KeyedRange& range);
  void drop(int client, const RangeKey& key);
  void forget(int client);
  // A client is gone, with all that it held, wanted and waited for.
  void leave(int client);

  struct Work {
    std::vector<KeyedRange> given_up;  // to be removed from the disk first
    KeyedRange fetch;
  };
  // Returns what to fetch next; nothing if there is nothing, or no room.
  std::optional<Work> next();
  // Whether a rank waits for what no room can be made for.
  std::vector<Waiter> without_room();

  // A range has arrived, or has failed. Returns who waited for it; they hold it if it arrived.
  std::vector<Waiter> fetched(const RangeKey& key, bool arrived);

  uint64_t used() const { return used_; }  // bytes that are there or on their way

 private:
  enum class State { absent, coming, present };
  struct Entry {
    uint64_t size = 0;
    State state = State::absent;
    std::map<int, int> holders;  // how often, by client
    std::set<int> wanted_by;
    std::vector<Waiter> waiters;
    uint64_t used_at = 0;  // a count of uses
  };
  using Entries = std::map<RangeKey, Entry>;

  Entry& entry(const KeyedRange& range);
  bool make_room(uint64_t bytes, bool waited_for, std::vector<KeyedRange>& given_up);
  Entries::iterator victim(bool waited_for);
  void forget_if_idle(Entries::iterator at);

  const uint64_t budget_;
  uint64_t used_ = 0;
  uint64_t uses_ = 0;
  Entries entries_;
  std::deque<RangeKey> waited_;  // in the order of their waiting
  std::deque<RangeKey> wanted_;  // in the order of the wishes
};

}  // namespace ringtrain::storage
