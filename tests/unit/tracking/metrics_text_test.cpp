// SPDX-License-Identifier: Apache-2.0
#include "tracking/metrics_text.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace ringtrain::tracking {
namespace {

using Type = MetricsText::Type;

TEST(MetricsText, WritesFamiliesAndEscapesLabels) {
  MetricsText text;
  text.family("a_total", Type::counter, "Help.");
  text.sample({}, 2);
  text.sample({{"job", "a\"b\\c\nd"}, {"rank", "0"}}, 0.25);
  EXPECT_EQ(text.take(),
            "# HELP a_total Help.\n# TYPE a_total counter\na_total 2\n"
            "a_total{job=\"a\\\"b\\\\c\\nd\",rank=\"0\"} 0.25\n");
}

TEST(MetricsText, WritesValuesThatAreNotFinite) {
  MetricsText text;
  text.family("a", Type::gauge, "Help.");
  text.sample({}, std::numeric_limits<double>::quiet_NaN());
  text.sample({}, -std::numeric_limits<double>::infinity());
  EXPECT_EQ(text.take(), "# HELP a Help.\n# TYPE a gauge\na NaN\na -Inf\n");
}

TEST(MetricsText, WritesHistogramsWhoseBucketsAdd) {
  Histogram histogram({0.5, 1});
  for (const double value : {0.25, 0.75, 2.0}) histogram.add(value);
  MetricsText text;
  text.family("a", Type::histogram, "Help.");
  text.sample({{"x", "y"}}, histogram);
  EXPECT_EQ(text.take(),
            "# HELP a Help.\n# TYPE a histogram\na_bucket{x=\"y\",le=\"0.5\"} 1\n"
            "a_bucket{x=\"y\",le=\"1\"} 2\na_bucket{x=\"y\",le=\"+Inf\"} 3\n"
            "a_sum{x=\"y\"} 3\na_count{x=\"y\"} 3\n");
}

}  // namespace
}  // namespace ringtrain::tracking
