// SPDX-License-Identifier: Apache-2.0
#include "base/log.hpp"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

namespace ringtrain {
namespace {

spdlog::logger& logger() {
  static const auto made = [] {
    auto result = std::make_shared<spdlog::logger>(
        "ringtrain", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    result->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %^%l%$ %v", spdlog::pattern_time_type::utc);
    return result;
  }();
  return *made;
}

}  // namespace

void log_info(const std::string& text) { logger().info(text); }

void log_warning(const std::string& text) { logger().warn(text); }

void log_error(const std::string& text) { logger().error(text); }

}  // namespace ringtrain
