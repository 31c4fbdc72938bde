// SPDX-License-Identifier: Apache-2.0
#include "tracking/metrics_text.hpp"

#include <fmt/format.h>

#include <cmath>

namespace ringtrain::tracking {
namespace {

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '\n') {
      result += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') result += '\\';
    result += c;
  }
  return result;
}

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return fmt::format("{}", value);
}

const char* name_of(MetricsText::Type type) {
  switch (type) {
    case MetricsText::Type::counter:
      return "counter";
    case MetricsText::Type::histogram:
      return "histogram";
    case MetricsText::Type::untyped:
      return "untyped";
    case MetricsText::Type::gauge:
      break;
  }
  return "gauge";
}

}  // namespace

void MetricsText::family(std::string_view name, Type type, std::string_view help) {
  name_ = name;
  text_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, name_of(type));
}

void MetricsText::line(std::string_view suffix, const Labels& labels, double value) {
  std::string inside;
  for (const auto& [name, text] : labels) {
    inside += fmt::format("{}{}=\"{}\"", inside.empty() ? "" : ",", name, escaped(text));
  }
  if (!inside.empty()) inside = "{" + inside + "}";
  text_ += fmt::format("{}{}{} {}\n", name_, suffix, inside, number(value));
}

void MetricsText::sample(const Labels& labels, double value) { line("", labels, value); }

void MetricsText::sample(const Labels& labels, const Histogram& histogram) {
  const auto bucket = [&](const std::string& bound, uint64_t count) {
    Labels with_bound = labels;
    with_bound.emplace_back("le", bound);
    line("_bucket", with_bound, static_cast<double>(count));
  };
  for (size_t i = 0; i < histogram.bounds().size(); ++i) {
    bucket(number(histogram.bounds()[i]), histogram.counts()[i]);
  }
  bucket("+Inf", histogram.count());
  line("_sum", labels, histogram.sum());
  line("_count", labels, static_cast<double>(histogram.count()));
}

}  // namespace ringtrain::tracking
