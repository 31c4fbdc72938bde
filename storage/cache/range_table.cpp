// SPDX-License-Identifier: Apache-2.0
#include "storage/cache/range_table.hpp"

#include <algorithm>
#include <utility>

namespace ringtrain::storage {

RangeTable::Entry& RangeTable::entry(const KeyedRange& range) {
  Entry& found = entries_[range.key];
  found.size = range.size;
  return found;
}

void RangeTable::want(int client, const KeyedRange& range) {
  Entry& wanted = entry(range);
  if (!wanted.wanted_by.insert(client).second) return;
  wanted.used_at = ++uses_;
  if (wanted.state == State::absent) wanted_.push_back(range.key);
}

bool RangeTable::hold(const Waiter& waiter, const KeyedRange& range) {
  Entry& held = entry(range);
  held.wanted_by.erase(waiter.client);
  held.used_at = ++uses_;
  if (held.state == State::present) {
    ++held.holders[waiter.client];
    return true;
  }
  held.waiters.push_back(waiter);
  if (held.state == State::absent) waited_.push_back(range.key);
  return false;
}

void RangeTable::drop(int client, const RangeKey& key) {
  const auto at = entries_.find(key);
  if (at == entries_.end()) return;
  const auto holder = at->second.holders.find(client);
  if (holder == at->second.holders.end()) return;
  at->second.used_at = ++uses_;
  if (--holder->second == 0) at->second.holders.erase(holder);
}

void RangeTable::forget(int client) {
  for (auto at = entries_.begin(); at != entries_.end();) {
    const auto next = std::next(at);
    if (at->second.wanted_by.erase(client) > 0) forget_if_idle(at);
    at = next;
  }
}

void RangeTable::leave(int client) {
  forget(client);
  for (auto at = entries_.begin(); at != entries_.end();) {
    const auto next = std::next(at);
    at->second.holders.erase(client);
    std::erase_if(at->second.waiters, [&](const Waiter& w) { return w.client == client; });
    forget_if_idle(at);
    at = next;
  }
}

void RangeTable::forget_if_idle(Entries::iterator at) {
  const Entry& idle = at->second;
  if (idle.state == State::absent && idle.wanted_by.empty() && idle.waiters.empty()) {
    entries_.erase(at);
  }
}

RangeTable::Entries::iterator RangeTable::victim(bool waited_for) {
  auto best = entries_.end();
  for (auto at = entries_.begin(); at != entries_.end(); ++at) {
    const Entry& one = at->second;
    if (one.state != State::present || !one.holders.empty()) continue;
    if (!one.wanted_by.empty() && !waited_for) continue;
    const auto worse = [&](const Entry& than) {
      if (one.wanted_by.empty() != than.wanted_by.empty()) return one.wanted_by.empty();
      return one.wanted_by.empty() ? one.used_at < than.used_at : one.used_at > than.used_at;
    };
    if (best == entries_.end() || worse(best->second)) best = at;
  }
  return best;
}

bool RangeTable::make_room(uint64_t bytes, bool waited_for, std::vector<KeyedRange>& given_up) {
  while (used_ + bytes > budget_) {
    const auto at = victim(waited_for);
    if (at == entries_.end()) return false;
    used_ -= at->second.size;
    given_up.push_back({at->first, at->second.size});
    at->second.state = State::absent;
    if (!at->second.wanted_by.empty()) wanted_.push_front(at->first);
    forget_if_idle(at);
  }
  return true;
}

std::optional<RangeTable::Work> RangeTable::next() {
  Work work;
  for (auto* const queue : {&waited_, &wanted_}) {
    const bool waited_for = queue == &waited_;
    while (!queue->empty()) {
      const RangeKey key = queue->front();
      const auto at = entries_.find(key);
      const bool stale = at == entries_.end() || at->second.state != State::absent ||
                         (at->second.wanted_by.empty() && at->second.waiters.empty());
      if (stale) {
        queue->pop_front();
        continue;
      }
      if (!make_room(at->second.size, waited_for, work.given_up)) break;
      queue->pop_front();
      Entry& coming = entries_.at(key);
      coming.state = State::coming;
      used_ += coming.size;
      work.fetch = {key, coming.size};
      return work;
    }
    if (!queue->empty()) break;  // nobody's wish goes before a rank that waits
  }
  // Room that was made for nothing is still to be removed from the disk.
  if (!work.given_up.empty()) return work;
  return std::nullopt;
}

std::vector<Waiter> RangeTable::without_room() {
  std::vector<Waiter> refused;
  const bool anything_else = std::any_of(entries_.begin(), entries_.end(), [](const auto& one) {
    return one.second.state == State::coming;
  });
  if (anything_else) return refused;
  for (const RangeKey& key : waited_) {
    const auto at = entries_.find(key);
    if (at == entries_.end() || at->second.state != State::absent) continue;
    refused.insert(refused.end(), at->second.waiters.begin(), at->second.waiters.end());
    at->second.waiters.clear();
    forget_if_idle(at);
  }
  waited_.clear();
  return refused;
}

std::vector<Waiter> RangeTable::fetched(const RangeKey& key, bool arrived) {
  const auto at = entries_.find(key);
  Entry& one = at->second;
  std::vector<Waiter> waiters = std::exchange(one.waiters, {});
  one.state = arrived ? State::present : State::absent;
  if (!arrived) {
    used_ -= one.size;
    one.wanted_by.clear();
    forget_if_idle(at);
    return waiters;
  }
  for (const Waiter& waiter : waiters) ++one.holders[waiter.client];
  return waiters;
}

}  // namespace ringtrain::storage
