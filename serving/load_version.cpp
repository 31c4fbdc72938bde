// SPDX-License-Identifier: Apache-2.0
#include "serving/load_version.hpp"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <vector>

#include "base/error.hpp"
#include "base/url.hpp"
#include "serving/evaluation_file.hpp"
#include "serving/remote_model.hpp"
#include "serving/trained_model.hpp"

namespace ringtrain::serving {
namespace {

std::vector<float> compute(TrainedModel& model, std::span<const std::byte* const> samples) {
  std::vector<const std::byte*> rows(samples.begin(), samples.end());
  // Rows of one request lie one after the other.
  const uint64_t row_bytes = model.samples().row_bytes();
  bool contiguous = true;
  for (size_t i = 1; i < rows.size() && contiguous; ++i) {
    contiguous = rows[i] == rows[i - 1] + row_bytes;
  }
  std::vector<std::byte> copy;
  if (!contiguous) {
    copy.reserve(rows.size() * row_bytes);
    for (const std::byte* row : rows) copy.insert(copy.end(), row, row + row_bytes);
    for (size_t i = 0; i < rows.size(); ++i) rows[i] = copy.data() + i * row_bytes;
  }
  const at::Tensor outputs =
      model
          .outputs(
              {.rows = static_cast<uint32_t>(rows.size()), .x = rows[0], .samples = rows.data()})
          .contiguous();
  const auto* const numbers = outputs.const_data_ptr<float>();
  return {numbers, numbers + outputs.numel()};
}

// Runs the model once for each of two sizes, so that the first request does not pay for it.
void warm_up(TrainedModel& model, uint32_t max_batch) {
  const std::vector<std::byte> zeros(model.samples().row_bytes());
  for (const uint32_t rows : {uint32_t{1}, max_batch}) {
    compute(model, std::vector<const std::byte*>(rows, zeros.data()));
  }
}

void use_threads(int threads) {
  // OpenMP keeps the number for each thread that begins parallel work.
  thread_local bool is_set = false;
  if (is_set || threads == 0) return;
  at::set_num_threads(threads);
  is_set = true;
}

struct CheckedModel {
  std::shared_ptr<TrainedModel> network;
  std::optional<SavedEvaluation> evaluation;
};

CheckedModel open_checked(const std::filesystem::path& path, bool require_evaluation) {
  CheckedModel opened;
  opened.network = std::make_shared<TrainedModel>(path);
  opened.evaluation = read_evaluation(*opened.network);
  if (opened.evaluation) {
    check_probe(*opened.network, *opened.evaluation);
  } else if (require_evaluation) {
    throw data_error(
        fmt::format("{} has no {}: 'ringtrain evaluate MODEL DATASET --save' makes one",
                    opened.network->file().string(), kEvaluationFile));
  }
  return opened;
}

CheckedModel open_by_url(const std::string& url, bool require_evaluation) {
  const RemoteModel copy(url);
  try {
    return open_checked(copy.file(), require_evaluation);
  } catch (const Error& error) {
    throw Error(error.kind(), copy.with_url(error.what()));
  }
}

}  // namespace

std::shared_ptr<Version> load_version(const std::string& name, const std::string& version,
                                      const std::string& path, const LoadOptions& options) {
  use_threads(options.threads);
  const CheckedModel opened = is_url(path) ? open_by_url(path, options.require_evaluation)
                                           : open_checked(path, options.require_evaluation);
  const std::shared_ptr<TrainedModel> network = opened.network;
  warm_up(*network, options.limits.max_batch);
  auto loaded = std::make_shared<Version>();
  loaded->model = {.name = name,
                   .version = version,
                   .samples = network->samples(),
                   .loss = network->objective().kind()};
  loaded->path = path;
  if (opened.evaluation) loaded->evaluation = opened.evaluation->figures;
  loaded->network = network;
  loaded->batcher = std::make_unique<Batcher>(
      options.limits, network->samples().row_bytes(),
      [network, threads = options.threads](std::span<const std::byte* const> samples) {
        use_threads(threads);
        return compute(*network, samples);
      });
  return loaded;
}

}  // namespace ringtrain::serving
