// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace ringtrain {

// Figures over every test sample: an accuracy, or errors of each target in its own unit.
struct Evaluation {
  double loss = 0;                               // mean
  std::optional<double> accuracy = {};           // 0 to 1
  std::optional<std::vector<double>> rmse = {};  // [targets]
  std::optional<std::vector<double>> mae = {};   // [targets]
};

// Training losses and samples, summed over all ranks and the same on each. Skipped steps do not
// count.
struct TrainingTotals {
  int64_t epoch = -1;        // the epoch that the next two belong to
  double epoch_loss = 0;     // summed over the samples of the epoch so far
  double epoch_samples = 0;  // in the epoch so far
  uint64_t samples_seen = 0;

  // Adds steps of `samples` samples with the loss `loss`, summed over these samples.
  void add(int64_t of_epoch, double loss, uint64_t samples) {
    if (of_epoch != epoch) {
      epoch = of_epoch;
      epoch_loss = epoch_samples = 0;
    }
    epoch_loss += loss;
    epoch_samples += static_cast<double>(samples);
    samples_seen += samples;
  }

  // Mean over the samples of the current epoch so far, or of the last one.
  double train_loss() const { return epoch_samples > 0 ? epoch_loss / epoch_samples : 0; }
};

}  // namespace ringtrain
