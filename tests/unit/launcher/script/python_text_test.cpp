// SPDX-License-Identifier: Apache-2.0
#include "launcher/script/python_text.hpp"

#include <gtest/gtest.h>

namespace ringtrain::launcher {
namespace {

TEST(LastException, NamesTheInnermostLineThatIsNoLibrarys) {
  const auto failure = last_exception(
      "a warning\n"
      "Traceback (most recent call last):\n"
      "  File \"/work/train.py\", line 88, in <module>\n"
      "    main()\n"
      "    ^^^^^^\n"
      "  File \"/work/lib/model.py\", line 7, in main\n"
      "    torch.zeros(-1)\n"
      "  File \"/venv/lib/python3.11/site-packages/torch/x.py\", line 1, in zeros\n"
      "    raise ValueError\n"
      "ValueError: no such class\n"
      "and its second line\n"
      "[W] destroy_process_group() was not called\n",
      "/work");
  EXPECT_EQ(failure, (PythonFailure{"ValueError: no such class", "lib/model.py:7"}));
}

TEST(LastException, IsTheLastOfAChain) {
  const auto failure = last_exception(
      "Traceback (most recent call last):\n"
      "  File \"/a/train.py\", line 1, in f\n"
      "KeyError: 'x'\n"
      "\n"
      "During handling of the above exception, another exception occurred:\n"
      "\n"
      "Traceback (most recent call last):\n"
      "  File \"/a/train.py\", line 3, in g\n"
      "RuntimeError: bad\n",
      "/work");
  EXPECT_EQ(failure, (PythonFailure{"RuntimeError: bad", "/a/train.py:3"}));
}

TEST(LastException, IsReadBehindTheRankThatTorchPrints) {
  const auto failure = last_exception(
      "[rank1]: Traceback (most recent call last):\n"
      "[rank1]:   File \"/work/train.py\", line 5, in <module>\n"
      "[rank1]:     f()\n"
      "[rank1]: ZeroDivisionError: division by zero\n",
      "/work");
  EXPECT_EQ(failure, (PythonFailure{"ZeroDivisionError: division by zero", "train.py:5"}));
}

TEST(LastException, IsASyntaxErrorToo) {
  const auto failure = last_exception(
      "  File \"/work/train.py\", line 3\n"
      "    foo(\n"
      "       ^\n"
      "SyntaxError: '(' was never closed\n",
      "/work");
  EXPECT_EQ(failure, (PythonFailure{"SyntaxError: '(' was never closed", "train.py:3"}));
}

TEST(LastException, IsNothingWithoutATraceback) {
  EXPECT_EQ(last_exception("", "/work"), std::nullopt);
  EXPECT_EQ(last_exception("usage: train.py\nValueError: not one\n", "/work"), std::nullopt);
  EXPECT_EQ(
      last_exception("Traceback (most recent call last):\n  File \"/work/a.py\", line", "/work"),
      std::nullopt);
}

TEST(AnException, MayBeAboutAPeer) {
  for (const char* text :
       {"RuntimeError: [../third_party/gloo/gloo/transport/tcp/pair.cc:534] Connection closed by "
        "peer [127.0.0.1]:1234",
        "ConnectionResetError: [Errno 104] Connection reset by peer",
        "torch.distributed.DistNetworkError: The client socket has timed out",
        "RuntimeError: only 1 of the 2 ranks of this node reached the barrier within 5 s",
        "RuntimeError: rank 1 ended and did not come to all_reduce number 7 of 10 float32 (sum)",
        "RuntimeError: rank 1 left the group: rank 0, recv from rank 1 of 16 bytes with tag 0",
        "RuntimeError: rank 1 ended: rank 0, recv from rank 1 of 16 bytes with tag 0",
        "RuntimeError: rank 0 ended at the start of the group"}) {
    EXPECT_TRUE(is_about_a_peer(text)) << text;
  }
  for (const char* text : {"ValueError: no such class", "exit code 3", "AssertionError",
                           "RuntimeError: ranks 0 and 1 made different calls: rank 0 barrier"}) {
    EXPECT_FALSE(is_about_a_peer(text)) << text;
  }
}

TEST(LastStack, NamesTheLineOfTheScriptAndTheCallThatWaits) {
  const auto waiting = last_stack(
      "Thread 0x1 (most recent call first):\n"
      "  File \"/usr/lib/python3.11/threading.py\", line 1 in wait\n"
      "\n"
      "Current thread 0x2 (most recent call first):\n"
      "  File \"/v/site-packages/torch/distributed/distributed_c10d.py\", line 2 in all_reduce\n"
      "  File \"/v/site-packages/torch/distributed/c10d_logger.py\", line 83 in wrapper\n"
      "  File \"/work/hang.py\", line 8 in step\n"
      "  File \"/work/hang.py\", line 20 in <module>\n",
      "/work");
  EXPECT_EQ(waiting, (PythonPosition{"hang.py:8 in step", "all_reduce"}));
  const auto missing = last_stack(
      "Current thread 0x2 (most recent call first):\n"
      "  File \"/work/hang.py\", line 6 in load_batch\n",
      "/work");
  EXPECT_EQ(missing, (PythonPosition{"hang.py:6 in load_batch", ""}));
  EXPECT_EQ(last_stack("nothing of it", "/work"), std::nullopt);
}

}  // namespace
}  // namespace ringtrain::launcher
