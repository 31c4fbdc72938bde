// SPDX-License-Identifier: Apache-2.0
#include "base/command_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>

namespace ringtrain {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

// A program like ours: commands, one of which has commands of its own.
class CommandLine : public testing::Test {
 protected:
  CommandLine() {
    set_messages(app_);
    app_.set_version_flag("--version", "tool 1");
    app_.require_subcommand(1);
    CLI::App* const run = app_.add_subcommand("run", "Train a model");
    run->add_option("job", job_, "The job file")->required()->type_name("JOB.yaml");
    run->add_option("-n,--ranks", ranks_, "Ranks to start")
        ->check(CLI::Range(1, 65536))
        ->type_name("N");
    run->add_option("--set", sets_, "Override a key")->allow_extra_args(false);
    CLI::App* const dataset = app_.add_subcommand("dataset", "Create and check datasets");
    dataset->require_subcommand(1);
    CLI::App* const import = dataset->add_subcommand("import", "Make a dataset");
    import->require_subcommand(1);
    import->add_subcommand("npy", "Import four NumPy files");
    import->add_subcommand("images", "Import images");
  }

  std::string said(const std::string& arguments) {
    try {
      app_.parse(arguments);
    } catch (const CLI::ParseError& error) {
      std::ostringstream out, refusal;
      app_.exit(error, out, refusal);
      return out.str() + refusal.str();
    }
    return "";
  }

  CLI::App app_{"Trains.", "tool"};
  std::string job_;
  int ranks_ = 0;
  std::vector<std::string> sets_;
};

TEST_F(CommandLine, EchoesAnUnknownCommandAndSuggestsOne) {
  EXPECT_EQ(said("rum job.yaml"), "tool: unknown command 'rum', did you mean 'tool run'?\n");
  EXPECT_EQ(said("dataset imprt"),
            "tool dataset: unknown command 'imprt', did you mean 'tool dataset import'?\n");
  EXPECT_EQ(said("import npy"),
            "tool: unknown command 'import', did you mean 'tool dataset import'?\n");
  EXPECT_EQ(said("dataset import pkl"),
            "tool dataset import: unknown command 'pkl': it is none of npy, images; 'tool dataset "
            "import --help' describes them\n");
}

TEST_F(CommandLine, KnowsWhatHelpAndVersionMean) {
  EXPECT_EQ(said("help"), "tool: unknown command 'help', did you mean 'tool --help'?\n");
  EXPECT_EQ(said("version"), "tool: unknown command 'version', did you mean 'tool --version'?\n");
  EXPECT_EQ(said("-v"), "tool: unknown option -v, did you mean --version?\n");
  EXPECT_EQ(said("dataset import help"),
            "tool dataset import: unknown command 'help', did you mean 'tool dataset import "
            "--help'?\n");
}

TEST_F(CommandLine, ListsCommandsWhereNoneIsGiven) {
  EXPECT_EQ(said(""),
            "tool: a command is missing, one of run, dataset; 'tool --help' describes them\n");
  EXPECT_EQ(said("dataset"),
            "tool dataset: a command is missing, one of import; 'tool dataset --help' describes "
            "them\n");
}

TEST_F(CommandLine, NamesAnUnknownOptionBeforeWhatIsMissing) {
  EXPECT_EQ(said("run --rank 2"), "tool run: unknown option --rank, did you mean --ranks?\n");
  EXPECT_EQ(said("run job.yaml --rnaks=2"),
            "tool run: unknown option --rnaks, did you mean --ranks?\n");
  EXPECT_EQ(said("--ranks 2 run job.yaml"),
            "tool: unknown option --ranks: it belongs behind 'tool run'\n");
}

TEST_F(CommandLine, SaysHowKeysOfTheJobAreSet) {
  EXPECT_EQ(said("run job.yaml --batch-size 12"),
            "tool run: unknown option --batch-size; keys of the job are set by --set, as in --set "
            "batch_size=VALUE; 'tool run --help' lists all\n");
}

TEST_F(CommandLine, RefusesOtherArgumentsInOneLine) {
  EXPECT_EQ(said("run"), "tool run: job is required; 'tool run --help' shows what it takes\n");
  EXPECT_EQ(said("run a.yaml b.yaml"),
            "tool run: unexpected argument 'b.yaml'; 'tool run --help' shows what it takes\n");
  EXPECT_THAT(said("run a.yaml -n 0"), StartsWith("tool run: --ranks: Value 0 not in range"));
}

TEST_F(CommandLine, PrintsHelpInPlainWords) {
  const std::string help = said("run --help");
  EXPECT_THAT(help, StartsWith("Train a model\n\nUsage: tool run [OPTIONS] job\n"));
  EXPECT_THAT(help, HasSubstr("\nArguments:\n  job JOB.yaml                The job file\n"));
  EXPECT_THAT(help, HasSubstr("\n  -n,--ranks N                Ranks to start\n"));
}

TEST_F(CommandLine, WrapsHelpToEightyColumnsWithoutATerminal) {
  app_.add_subcommand("long", "A description that is long enough to need a second line of help");
  EXPECT_THAT(said("--help"),
              HasSubstr("\n  long                        A description that is long "
                        "enough to need a second\n" +
                        std::string(30, ' ') + "line of help\n"));
}

TEST_F(CommandLine, StillPrintsTheVersion) { EXPECT_THAT(said("--version"), EndsWith("tool 1\n")); }

TEST_F(CommandLine, ShowsTypesAsTheyWereNamed) {
  std::string text;
  double number = 0;
  app_.require_subcommand(0);
  app_.add_option("--listen", text, "Where")->type_name("ADDRESS:PORT");
  app_.add_option("--hosts", text, "How many")->type_name("N[:M]");
  app_.add_option("--side", text, "Which")->check(CLI::IsMember({"first", "last"}));
  app_.add_option("--lr", number, "Rate")->check(CLI::PositiveNumber)->type_name("NUMBER");
  app_.add_option("--port", ranks_, "Port")->check(CLI::Range(0, 65535))->group("More options");
  const std::string help = said("--help");
  for (const char* type : {"--listen ADDRESS:PORT ", "--hosts N[:M] ", "--side {first,last} ",
                           "--lr NUMBER ", "--port N ", "\n\nMore options:\n"}) {
    EXPECT_THAT(help, HasSubstr(type));
  }
  EXPECT_THAT(help, testing::Not(HasSubstr("\n\n\n")));
}

}  // namespace
}  // namespace ringtrain
