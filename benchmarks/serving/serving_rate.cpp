// SPDX-License-Identifier: Apache-2.0
// Rows a second that a model computes in batches of a given size, without a server around it:
//
//   serving_rate MODEL ROWS SECONDS
#include <fmt/format.h>

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <vector>

#include "base/command_line.hpp"
#include "base/error.hpp"
#include "serving/trained_model.hpp"

namespace ringtrain::benchmarks {
namespace {

double rows_per_second(const char* path, uint32_t rows, double seconds) {
  serving::TrainedModel model(path);
  const size_t row_bytes = model.samples().row_bytes();
  std::vector<std::byte> bytes(size_t{rows} * row_bytes);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 7);
  std::vector<const std::byte*> samples;
  for (uint32_t row = 0; row < rows; ++row) samples.push_back(bytes.data() + row * row_bytes);
  const auto compute = [&] {
    static_cast<void>(model.outputs({.rows = rows, .x = bytes.data(), .samples = samples.data()}));
  };
  for (int i = 0; i < 20; ++i) compute();  // as a server warms up a version
  const auto begun = std::chrono::steady_clock::now();
  uint64_t done = 0;
  double elapsed = 0;
  while (elapsed < seconds) {
    compute();
    done += rows;
    elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  }
  return static_cast<double>(done) / elapsed;
}

}  // namespace
}  // namespace ringtrain::benchmarks

int main(int argc, char** argv) {
  if (argc != 4 || std::atol(argv[2]) < 1) {
    ringtrain::complain("give MODEL ROWS SECONDS");
    return 2;
  }
  try {
    fmt::print("{}\n", ringtrain::benchmarks::rows_per_second(
                           argv[1], static_cast<uint32_t>(std::strtoul(argv[2], nullptr, 10)),
                           std::atof(argv[3])));
  } catch (const std::exception& error) {
    ringtrain::complain(error.what());
    return ringtrain::exit_code_of(error);
  }
  return 0;
}
