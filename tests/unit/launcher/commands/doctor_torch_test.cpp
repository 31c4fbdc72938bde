// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/doctor_torch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::launcher {
namespace {

using testing::HasSubstr;
using Status = Finding::Status;

class ExamineTorch : public testing::Test {
 protected:
  ExamineTorch() { ::setenv("PYTHONPATH", site_.path().c_str(), 1); }
  ~ExamineTorch() override { ::unsetenv("PYTHONPATH"); }

  void install_torch() {
    site_.write("torch/__init__.py", "");
    site_.write("torch/lib/libtorch_cpu.so", "");
    site_.write("torch/version.py", "__version__ = '2.11.0+cpu'\n");
  }
  void install_backend(const std::string& built_for) {
    site_.write("ringtrain/__init__.py", "");
    site_.write("ringtrain/build_info.py", "TORCH = \"" + built_for + "\"\n");
  }

  TemporaryDirectory site_;
};

TEST_F(ExamineTorch, SaysThatTheBackendFits) {
  install_torch();
  install_backend("2.11.2");
  const Finding finding = examine_torch("python3");
  EXPECT_EQ(finding.status, Status::good);
  EXPECT_THAT(finding.found, HasSubstr("torch 2.11.0+cpu in " + site_.path().string()));
  EXPECT_THAT(finding.found, HasSubstr("the backend fits: built for 2.11.2"));
}

TEST_F(ExamineTorch, NamesBothVersionsOfABackendThatDoesNotFit) {
  install_torch();
  install_backend("2.10.0");
  const Finding finding = examine_torch("python3");
  EXPECT_EQ(finding.status, Status::missing);
  EXPECT_THAT(finding.found, HasSubstr("does not fit: built for 2.10.0"));
  EXPECT_THAT(finding.advice, HasSubstr("--force-reinstall ./python"));
}

TEST_F(ExamineTorch, SaysWhatToDoWithoutABackend) {
  install_torch();
  const Finding finding = examine_torch("python3");
  EXPECT_EQ(finding.status, Status::missing);
  EXPECT_THAT(finding.found, HasSubstr("without the backend"));
  EXPECT_THAT(finding.advice, HasSubstr("pip install --no-build-isolation ./python"));
}

TEST_F(ExamineTorch, SaysThatAPythonHasNoTorch) {
  const Finding finding = examine_torch("/nowhere/python3");
  EXPECT_EQ(finding.status, Status::missing);
  EXPECT_THAT(finding.found, HasSubstr("none in /nowhere/python3"));
}

}  // namespace
}  // namespace ringtrain::launcher
