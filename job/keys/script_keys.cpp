// SPDX-License-Identifier: Apache-2.0
#include "job/keys/script_keys.hpp"

namespace ringtrain {

KeyGroup<ScriptSpec> script_keys() {
  using T = ScriptSpec;
  KeyGroup<T> group;
  group.key("file", &T::target,
            "A Python script, whose name ends in .py, or any other program: a path, or a name to "
            "look up in PATH.",
            {.min_length = 1, .max_length = 4096});
  group.selects(&T::kind, T::Kind::file);
  group.key("module", &T::target, "A Python module, as `python -m` takes it.",
            {.min_length = 1, .max_length = 4096});
  group.selects(&T::kind, T::Kind::module);
  group.key("args", &T::args, "Its arguments; numbers in quotes.",
            {.max_length = 32768, .max_items = 4096});
  group.key("python", &T::python,
            "The Python that runs it. Left out: PYTHON_EXEC of the environment, or python3.",
            {.min_length = 1, .max_length = 4096});
  group.key("directory", &T::directory,
            "The ranks' working directory, from which relative paths of this group count. Left "
            "out: the directory in which the job is started, in Kubernetes that of the image.",
            {.min_length = 1, .max_length = 4096});
  group.key("env", &T::env, "Environment variables of the ranks. Not for secrets: use files.",
            {.max_length = 32768});
  group.key("checkpoint", &T::checkpoint,
            "A pattern of its checkpoint files, as in ckpt/*.pt: a new one begins the count of "
            "`restarts` again. ringtrain.checkpoint does so without it.",
            {.min_length = 1, .max_length = 4096});
  group.key("restart_failures", &T::restart_failures,
            "Starts the ranks again after an exception or an exit code that is not 0, too. Else "
            "only after a lost rank or host, since a script that fails by itself fails again.");
  group.key("silence_seconds", &T::silence_seconds,
            "How long all ranks print nothing and use no processor until a hang is reported.",
            {.min = 0.1, .max = 86400});
  group.key("hang_timeout_seconds", &T::hang_timeout_seconds,
            "Ends a hang that has lasted so long, and starts the ranks again. 0: never.",
            {.min = 0, .max = 8640000});
  group.example("file: train.py, args: [--epochs, '3']");
  return group;
}

}  // namespace ringtrain
