// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.hpp"
#include "base/round_up.hpp"
#include "collectives/communicator.hpp"

namespace ringtrain::collectives {
namespace {

void copy_bytes(const std::byte* from, std::byte* to, size_t bytes) {
  if (bytes > 0 && from != to) std::memcpy(to, from, bytes);
}

}  // namespace

template <class Fill, class Read>
void Communicator::pass(const Call& call, size_t count, size_t at_most, const Fill& fill,
                        const Read& read) {
  RINGTRAIN_CHECK(at_most > 0);
  for (size_t begin = 0; true;) {
    const Piece piece = {begin, std::min(at_most, count - begin)};
    const int which = static_cast<int>(round_ % 2);
    fill(piece, region_->slot(rank_, which));
    const bool first = !compared_;
    post_and_wait(call);
    // Ranks whose data lie in the arena have not written to their slots yet.
    if (first && learn_places(call)) continue;
    for (int r = 0; r < size_; ++r) slots_[static_cast<size_t>(r)] = region_->slot(r, which);
    read(piece, std::span<const std::byte* const>(slots_));
    begin += piece.count;
    if (begin >= count) return;
  }
}

template <class Read>
void Communicator::pass_whole(const Call& call, const Elements& data, const Read& read) {
  const size_t width = size_of(data.type);
  const auto fill = [&](Piece piece, std::byte* slot) {
    copy_bytes(data.data + piece.begin * width, slot, piece.count * width);
  };
  pass(call, data.count, region_->slot_bytes() / width, fill, read);
}

bool Communicator::learn_places(const Call& call) {
  factors_.clear();
  places_.clear();
  for (int r = 0; r < size_; ++r) {
    const Call& other = region_->state(r).calls[call.number % 2];
    factors_.push_back(other.factor);
    if (other.place != Call::kOutside) places_.push_back(region_->arena(r) + other.place);
  }
  return !places_.empty();
}

template <class Read>
bool Communicator::in_place(const Call& call, const Read& read) {
  post_and_wait(call);
  learn_places(call);
  if (places_.size() < static_cast<size_t>(size_)) return false;
  read(std::span<const std::byte* const>(places_));
  post_and_wait(call);
  return true;
}

void Communicator::all_reduce(const Elements& data, Reduce reduce, Timeout timeout) {
  const Call call = begin(timeout, Operation::all_reduce, data, Call::kNoRoot, reduce);
  const size_t width = size_of(data.type);
  // Each rank reduces its share for all. No two ranks write to one cache line.
  const auto reduce_share = [&](std::span<const std::byte* const> places) {
    const size_t share =
        round_up(divide_up(data.count, static_cast<size_t>(size_)), kCacheLineBytes / width);
    const size_t first = std::min(data.count, share * static_cast<size_t>(rank_));
    std::vector<const std::byte*> from;
    std::vector<std::byte*> to;
    for (const std::byte* place : places) {
      from.push_back(place + first * width);
      to.push_back(const_cast<std::byte*>(place) + first * width);
    }
    collectives::reduce(data.type, reduce.how, from, to, std::min(share, data.count - first),
                        factors_);
  };
  if (call.place != Call::kOutside && in_place(call, reduce_share)) return finish(call);
  pass_whole(call, data, [&](Piece piece, std::span<const std::byte* const> slots) {
    const std::array<std::byte*, 1> to = {data.data + piece.begin * width};
    collectives::reduce(data.type, reduce.how, slots, to, piece.count, factors_);
  });
  finish(call);
}

void Communicator::reduce(const Elements& data, Reduce reduce, int root, Timeout timeout) {
  const Call call = begin(timeout, Operation::reduce, data, root, reduce);
  const size_t width = size_of(data.type);
  pass_whole(call, data, [&](Piece piece, std::span<const std::byte* const> slots) {
    if (rank_ != root) return;
    const std::array<std::byte*, 1> to = {data.data + piece.begin * width};
    collectives::reduce(data.type, reduce.how, slots, to, piece.count, factors_);
  });
  finish(call);
}

size_t Communicator::part_bytes() const {
  return region_->slot_bytes() / static_cast<size_t>(size_) / kCacheLineBytes * kCacheLineBytes;
}

void Communicator::reduce_scatter(std::span<const Elements> from, const Elements& to, Reduce reduce,
                                  Timeout timeout) {
  RINGTRAIN_CHECK(from.size() == static_cast<size_t>(size_));
  const Call call = begin(timeout, Operation::reduce_scatter, to, Call::kNoRoot, reduce);
  const size_t width = size_of(to.type);
  const size_t part = part_bytes();
  pass(
      call, to.count, part / width,
      [&](Piece piece, std::byte* slot) {
        for (size_t r = 0; r < from.size(); ++r)
          copy_bytes(from[r].data + piece.begin * width, slot + r * part, piece.count * width);
      },
      [&](Piece piece, std::span<const std::byte* const> slots) {
        std::vector<const std::byte*> parts;
        for (const std::byte* slot : slots)
          parts.push_back(slot + static_cast<size_t>(rank_) * part);
        const std::array<std::byte*, 1> out = {to.data + piece.begin * width};
        collectives::reduce(to.type, reduce.how, parts, out, piece.count, factors_);
      });
  finish(call);
}

void Communicator::broadcast(const Elements& data, int root, Timeout timeout) {
  const Call call = begin(timeout, Operation::broadcast, data, root);
  const size_t width = size_of(data.type);
  pass(
      call, data.count, region_->slot_bytes() / width,
      [&](Piece piece, std::byte* slot) {
        if (rank_ == root) copy_bytes(data.data + piece.begin * width, slot, piece.count * width);
      },
      [&](Piece piece, std::span<const std::byte* const> slots) {
        if (rank_ != root)
          copy_bytes(slots[static_cast<size_t>(root)], data.data + piece.begin * width,
                     piece.count * width);
      });
  finish(call);
}

void Communicator::all_gather(const Elements& mine, std::span<const Elements> to, Timeout timeout) {
  RINGTRAIN_CHECK(to.size() == static_cast<size_t>(size_));
  const Call call = begin(timeout, Operation::all_gather, mine);
  const size_t width = size_of(mine.type);
  const auto copy_all = [&](std::span<const std::byte* const> places) {
    for (size_t r = 0; r < to.size(); ++r) copy_bytes(places[r], to[r].data, mine.bytes());
  };
  if (call.place != Call::kOutside && in_place(call, copy_all)) return finish(call);
  pass_whole(call, mine, [&](Piece piece, std::span<const std::byte* const> slots) {
    for (size_t r = 0; r < to.size(); ++r)
      copy_bytes(slots[r], to[r].data + piece.begin * width, piece.count * width);
  });
  finish(call);
}

void Communicator::gather(const Elements& mine, std::span<const Elements> to, int root,
                          Timeout timeout) {
  const Call call = begin(timeout, Operation::gather, mine, root);
  const size_t width = size_of(mine.type);
  pass_whole(call, mine, [&](Piece piece, std::span<const std::byte* const> slots) {
    for (size_t r = 0; rank_ == root && r < to.size(); ++r)
      copy_bytes(slots[r], to[r].data + piece.begin * width, piece.count * width);
  });
  finish(call);
}

void Communicator::scatter(std::span<const Elements> from, const Elements& mine, int root,
                           Timeout timeout) {
  const Call call = begin(timeout, Operation::scatter, mine, root);
  const size_t width = size_of(mine.type);
  const size_t part = part_bytes();
  pass(
      call, mine.count, part / width,
      [&](Piece piece, std::byte* slot) {
        for (size_t r = 0; rank_ == root && r < from.size(); ++r)
          copy_bytes(from[r].data + piece.begin * width, slot + r * part, piece.count * width);
      },
      [&](Piece piece, std::span<const std::byte* const> slots) {
        copy_bytes(slots[static_cast<size_t>(root)] + static_cast<size_t>(rank_) * part,
                   mine.data + piece.begin * width, piece.count * width);
      });
  finish(call);
}

// Every rank sees what every pair sends and expects, and judges alike.
size_t Communicator::exchange_sizes(const Call& call, std::span<const Elements> send,
                                    std::span<const Elements> receive) {
  const size_t ranks = send.size();
  size_t most = 0;
  pass(
      call, 0, 1,
      [&](Piece, std::byte* slot) {
        auto* sizes = reinterpret_cast<uint64_t*>(slot);
        for (size_t r = 0; r < ranks; ++r) {
          sizes[r] = send[r].bytes();
          sizes[ranks + r] = receive[r].bytes();
        }
      },
      [&](Piece, std::span<const std::byte* const> slots) {
        for (size_t from = 0; from < ranks; ++from) {
          for (size_t to = 0; to < ranks; ++to) {
            const uint64_t sent = reinterpret_cast<const uint64_t*>(slots[from])[to];
            const uint64_t expected = reinterpret_cast<const uint64_t*>(slots[to])[ranks + from];
            most = std::max(most, static_cast<size_t>(sent));
            if (sent == expected) continue;
            region_->break_group(
                fmt::format("{}: rank {} sends {} bytes to rank {}, which expects {}",
                            describe(call), region_->name_of(static_cast<int>(from)), sent,
                            region_->name_of(static_cast<int>(to)), expected));
          }
        }
      });
  return most;
}

void Communicator::all_to_all(std::span<const Elements> send, std::span<const Elements> receive,
                              Timeout timeout) {
  RINGTRAIN_CHECK(send.size() == static_cast<size_t>(size_) && receive.size() == send.size());
  const Call call = begin(timeout, Operation::all_to_all, {.type = send[0].type});
  const size_t most = exchange_sizes(call, send, receive);
  const size_t part = part_bytes();
  const auto rest = [](const Elements& data, Piece piece) {
    return data.bytes() < piece.begin ? 0 : std::min(piece.count, data.bytes() - piece.begin);
  };
  if (most == 0) return finish(call);
  pass(
      call, most, part,
      [&](Piece piece, std::byte* slot) {
        for (size_t r = 0; r < send.size(); ++r)
          copy_bytes(send[r].data + piece.begin, slot + r * part, rest(send[r], piece));
      },
      [&](Piece piece, std::span<const std::byte* const> slots) {
        for (size_t r = 0; r < receive.size(); ++r)
          copy_bytes(slots[r] + static_cast<size_t>(rank_) * part, receive[r].data + piece.begin,
                     rest(receive[r], piece));
      });
  finish(call);
}

void Communicator::barrier(Timeout timeout) {
  const Call call = begin(timeout, Operation::barrier, {});
  post_and_wait(call);
  finish(call);
}

}  // namespace ringtrain::collectives
