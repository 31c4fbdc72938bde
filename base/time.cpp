// SPDX-License-Identifier: Apache-2.0
#include "base/time.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>

namespace ringtrain {

std::optional<Time> parse_time(const std::string& text) {
  std::tm parts{};
  const char* rest = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == nullptr) return std::nullopt;
  std::chrono::milliseconds fraction(0);
  if (*rest == '.') {
    int place = 100;
    for (++rest; *rest >= '0' && *rest <= '9'; ++rest, place /= 10) {
      fraction += std::chrono::milliseconds((*rest - '0') * place);
    }
  }
  std::chrono::minutes offset(0);
  if (*rest == '+' || *rest == '-') {
    std::tm ahead{};
    if (::strptime(rest + 1, "%H:%M", &ahead) == nullptr) return std::nullopt;
    offset = std::chrono::minutes(60 * ahead.tm_hour + ahead.tm_min) * (*rest == '-' ? -1 : 1);
  } else if (*rest != 'Z' && *rest != 'z') {
    return std::nullopt;
  }
  return std::chrono::system_clock::from_time_t(::timegm(&parts)) + fraction - offset;
}

std::string print_time(Time time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

std::string print_time_ms(Time time) {
  const auto since = std::chrono::floor<std::chrono::milliseconds>(time).time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(seconds.count()),
                     (since - seconds).count());
}

std::string print_age(std::chrono::seconds age) {
  const auto seconds = std::max<int64_t>(0, age.count());
  if (seconds < 120) return fmt::format("{}s", seconds);
  const auto minutes = seconds / 60;
  if (minutes < 60) return fmt::format("{}m", minutes);
  if (minutes < 24 * 60) return fmt::format("{}h{}m", minutes / 60, minutes % 60);
  const auto hours = minutes / 60;
  return fmt::format("{}d{}h", hours / 24, hours % 24);
}

}  // namespace ringtrain
