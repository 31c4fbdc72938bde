// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/predict/minimum.hpp"

#include <algorithm>
#include <cstddef>

namespace ringtrain::benchmarks {
namespace {

using Point = std::vector<double>;

struct Vertex {
  Point at;
  double value;
};

// center + factor * (center - worst)
Point beyond(const Point& center, const Point& worst, double factor) {
  Point at(center.size());
  for (size_t i = 0; i < at.size(); ++i) at[i] = center[i] + factor * (center[i] - worst[i]);
  return at;
}

Point center_of_all_but_last(const std::vector<Vertex>& simplex) {
  Point center(simplex.front().at.size());
  for (size_t v = 0; v + 1 < simplex.size(); ++v) {
    for (size_t i = 0; i < center.size(); ++i) {
      center[i] += simplex[v].at[i] / static_cast<double>(simplex.size() - 1);
    }
  }
  return center;
}

}  // namespace

Point minimum_near(const Point& start, const Point& step,
                   const std::function<double(const Point&)>& function) {
  constexpr int kIterations = 2000;
  std::vector<Vertex> simplex = {{start, function(start)}};
  for (size_t i = 0; i < start.size(); ++i) {
    Point at = start;
    at[i] += step[i];
    simplex.push_back({at, function(at)});
  }
  for (int iteration = 0; iteration < kIterations; ++iteration) {
    std::sort(simplex.begin(), simplex.end(),
              [](const Vertex& a, const Vertex& b) { return a.value < b.value; });
    Vertex& worst = simplex.back();
    const double second = simplex[simplex.size() - 2].value;
    const Point center = center_of_all_but_last(simplex);
    const auto tried = [&](double factor) {
      Point at = beyond(center, worst.at, factor);
      const double value = function(at);
      return Vertex{std::move(at), value};
    };
    Vertex reflected = tried(1);
    if (reflected.value < simplex.front().value) {
      Vertex expanded = tried(2);
      worst = expanded.value < reflected.value ? expanded : reflected;
    } else if (reflected.value < second) {
      worst = reflected;
    } else if (Vertex contracted = tried(-0.5); contracted.value < worst.value) {
      worst = contracted;
    } else {
      const Point best = simplex.front().at;
      for (size_t v = 1; v < simplex.size(); ++v) {
        simplex[v].at = beyond(best, simplex[v].at, -0.5);
        simplex[v].value = function(simplex[v].at);
      }
    }
  }
  return std::min_element(simplex.begin(), simplex.end(),
                          [](const Vertex& a, const Vertex& b) { return a.value < b.value; })
      ->at;
}

}  // namespace ringtrain::benchmarks
