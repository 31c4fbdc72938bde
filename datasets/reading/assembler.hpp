// SPDX-License-Identifier: Apache-2.0
// Puts a rank's batches together from blocks: what a Reader does on one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "datasets/reading/block_store.hpp"
#include "datasets/reading/order.hpp"
#include "datasets/reading/reader.hpp"

namespace ringtrain::datasets {

// A batch with the memory that it points to.
struct BatchBuffer {
  // `contiguous`: with room for the rows' bytes.
  BatchBuffer(uint64_t rows, uint64_t row_bytes, bool contiguous);
  std::unique_ptr<std::byte[], void (*)(void*)> x;
  std::vector<const std::byte*> samples;
  std::vector<int64_t> y;
  std::vector<uint64_t> row_ids;
  uint64_t hash = 0;  // the sum of the rows' OrderTerms
  Batch batch;
};

// Used by one thread at a time.
class Assembler {
 public:
  Assembler(const Plan& plan, Split split, const ReaderOptions& options);

  // See Reader::start.
  void start(uint64_t epoch, uint64_t first_position);
  // False at the end of the epoch.
  bool assemble(BatchBuffer& buffer);

  BatchBuffer make_buffer() const;
  uint64_t bytes_read() const { return ahead_ ? ahead_->bytes() : 0; }
  Tier tier() const { return ahead_ ? Tier::out_of_core : Tier::in_memory; }

 private:
  // Walks the global batches of an epoch.
  struct Walk {
    uint64_t position = 0;
    Slice take(uint64_t rows, uint64_t batch_size);
  };
  // Where a lane is.
  struct Lane {
    BlockOrder order;
    BlockView view;
    uint64_t asked = ~uint64_t{0};  // slot of the block asked for last
  };
  void look_ahead();
  void list_rows(Slice own, BatchBuffer& buffer);
  void copy_rows(BatchBuffer& buffer) const;

  ReaderOptions options_;
  BlockFiles files_;
  uint64_t rows_;
  uint64_t row_bytes_;
  bool contiguous_;
  SampleOrder order_;
  std::optional<EpochOrder> epoch_order_;
  std::optional<OrderTerms> terms_;
  std::optional<MappedBlocks> blocks_;
  std::optional<ReadAhead> ahead_;
  Walk walk_;
  Walk scout_;  // as far as blocks have been asked for
  std::vector<Lane> lanes_;
};

}  // namespace ringtrain::datasets
