// SPDX-License-Identifier: Apache-2.0
#include "runtime/models/torch_error.hpp"

#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace ringtrain {
namespace {

TEST(TorchCause, OfAScriptedModelHasItsOwnSourceLine) {
  EXPECT_EQ(torch_cause("The following operation failed in the TorchScript interpreter.\n"
                        "Traceback of TorchScript, serialized code (most recent call last):\n"
                        "  File \"code/__torch__.py\", line 12, in forward\n"
                        "    x0 = torch.view(x, [_0, 999])\n"
                        "         ~~~~~~~~~~ <--- HERE\n"
                        "\n"
                        "Traceback of TorchScript, original code (most recent call last):\n"
                        "  File \"net.py\", line 8, in forward\n"
                        "    def forward(self, x):\n"
                        "        x = x.view(x.size(0), 999)\n"
                        "            ~~~~~~ <--- HERE\n"
                        "        return self.fc(x)\n"
                        "RuntimeError: shape '[2, 999]' is invalid for input of size 1568\n"),
            "shape '[2, 999]' is invalid for input of size 1568 "
            "(net.py:8: x = x.view(x.size(0), 999))");
}

TEST(TorchCause, OfATracedModelHasTheInnermostCall) {
  EXPECT_EQ(torch_cause("The following operation failed in the TorchScript interpreter.\n"
                        "Traceback of TorchScript, original code (most recent call last):\n"
                        "/home/a/net.py(22): forward\n"
                        "/lib/torch/nn/modules/module.py(1787): _slow_forward\n"
                        "RuntimeError: no\n"),
            "no (/home/a/net.py:22)");
}

TEST(TorchCause, OfAnEndlessLineIsItsBeginning) {
  const std::string cause = torch_cause("RuntimeError: " + std::string(10000000, 'x'));
  EXPECT_LT(cause.size(), 1000U);
  EXPECT_TRUE(cause.starts_with("xxx"));
}

TEST(TorchCause, OfAnythingElseIsTheFirstLine) {
  EXPECT_EQ(torch_cause("one\ntwo"), "one");
  EXPECT_EQ(torch_cause(""), "");
  EXPECT_EQ(torch_cause(std::runtime_error("a file is gone")), "a file is gone");
}

TEST(IsDeviceError, KnowsTheLibrariesOfAGpu) {
  EXPECT_TRUE(is_device_error(std::runtime_error("CUDA error: an illegal memory access")));
  EXPECT_FALSE(is_device_error(std::runtime_error(
      "Expected all tensors to be on the same device (in method wrapper_CUDA_addmm)")));
  EXPECT_FALSE(is_device_error(std::runtime_error("mat1 and mat2 shapes cannot be multiplied")));
}

}  // namespace
}  // namespace ringtrain
