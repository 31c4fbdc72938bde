// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/doctor_command.hpp"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "launcher/commands/doctor.hpp"

namespace ringtrain::launcher {

void add_doctor_command(CLI::App& app, int& exit_code) {
  const auto json = std::make_shared<bool>(false);
  CLI::App* const command =
      app.add_subcommand("doctor", "Check this machine for everything that a run needs");
  command->add_flag("--json", *json, "Print the findings as JSON");
  command->callback([json, &exit_code] {
    const auto findings = examine_machine();
    fmt::print("{}", *json ? findings_to_json(findings).dump(2) + "\n" : print_findings(findings));
    exit_code = can_train(findings) ? 0 : 4;
  });
}

}  // namespace ringtrain::launcher
