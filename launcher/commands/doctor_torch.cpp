// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/doctor_torch.hpp"

#include <fmt/format.h>

#include <string>

#include "launcher/script/python_torch.hpp"

namespace ringtrain::launcher {

Finding examine_torch(const std::string& python) {
  using Status = Finding::Status;
  const auto missing = [](const std::string& found, const std::string& advice) {
    return Finding{"torch", Status::missing, found, advice};
  };
  const PythonTorch here = look_in_python(python);
  const std::string version = here.torch.empty() ? "" : torch_version(here.torch);
  if (version.empty()) {
    return missing(fmt::format("none in {}", python),
                   "only scripts need it: pip install torch, or name its Python by PYTHON_EXEC");
  }
  const std::string torch = fmt::format("torch {} in {}", version, here.torch.string());
  const std::string built = here.backend.empty() ? "" : version_built_for(here.backend);
  if (built.empty()) {
    return missing(torch + ", without the backend ringtrain",
                   "scripts use Gloo: pip install --no-build-isolation ./python in a clone");
  }
  if (minor_version(built) != minor_version(version)) {
    return missing(fmt::format("{}; the backend does not fit: built for {}", torch, built),
                   "pip install --no-build-isolation --force-reinstall ./python in a clone");
  }
  return {"torch", Status::good, fmt::format("{}; the backend fits: built for {}", torch, built),
          ""};
}

}  // namespace ringtrain::launcher
