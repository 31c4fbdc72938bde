// SPDX-License-Identifier: Apache-2.0
// Prometheus' text format, version 0.0.4.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ringtrain::tracking {

inline constexpr const char* kMetricsType = "text/plain; version=0.0.4; charset=utf-8";

// Counts of values up to bounds, as Prometheus' histograms have them.
class Histogram {
 public:
  // bounds: ascending.
  explicit Histogram(std::vector<double> bounds)
      : bounds_(std::move(bounds)), counts_(bounds_.size()) {}

  void add(double value) {
    for (size_t i = 0; i < bounds_.size(); ++i) counts_[i] += value <= bounds_[i] ? 1 : 0;
    ++count_;
    sum_ += value;
  }

  const std::vector<double>& bounds() const { return bounds_; }
  // Values up to each bound.
  const std::vector<uint64_t>& counts() const { return counts_; }
  uint64_t count() const { return count_; }
  double sum() const { return sum_; }

 private:
  std::vector<double> bounds_;
  std::vector<uint64_t> counts_;
  uint64_t count_ = 0;
  double sum_ = 0;
};

class MetricsText {
 public:
  // Names and values; a value may be any text.
  using Labels = std::vector<std::pair<std::string_view, std::string_view>>;
  // untyped: of a name that others chose, and that says another type than the figure has.
  enum class Type { counter, gauge, histogram, untyped };

  // Begins a family; its samples follow.
  void family(std::string_view name, Type type, std::string_view help);
  // Adds a sample of the family. Counters are integers or seconds.
  void sample(const Labels& labels, double value);
  void sample(const Labels& labels, const Histogram& histogram);

  std::string take() { return std::move(text_); }

 private:
  void line(std::string_view suffix, const Labels& labels, double value);

  std::string name_;
  std::string text_;
};

}  // namespace ringtrain::tracking
