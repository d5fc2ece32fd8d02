// SPDX-License-Identifier: Apache-2.0
// Every setting, with invalid values from each source: the message names the place of the value, the setting, the value
// and the valid values.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>

#include "config/command_line.h"
#include "config/config_file.h"
#include "config/option_table.h"
#include "support/temporary_directory.h"

namespace streaming {
namespace {

using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

struct WrongValue {
  std::string text;
  std::string may_be;  // the valid values, in the message's words
};

std::vector<WrongValue> out_of_range(std::int64_t least, std::int64_t most, const std::string& what) {
  const std::string range = "must be " + what + " from " + std::to_string(least) + " to " + std::to_string(most);
  return {{"many", range},
          {"", range},
          {"1.5", range},
          {std::to_string(least - 1), range},
          {std::to_string(most + 1), range},
          {"99999999999999999999", range}};
}

const std::string kLine = "must be one line without control characters";

std::vector<WrongValue> wrong_text(const Text& text) {
  const TextKind* kind = text.kind;
  if (kind == &kHeaderName) return {{"api key", "must be the name of a header"}, {"", "must be the name of a header"}};
  if (kind == &kHttpUrl || kind == &kOptionalHttpUrl) {
    const std::string url = "must be an http or https URL", host = "must be a URL whose host is plain ASCII";
    std::vector<WrongValue> wrong{{"api.example.com", url}, {"ftp://example.com", url}, {"http://", url},
                                  {"https:///v1", url},     {"http://a b", url},        {"http://a\nb", url},
                                  {"https://{model}.example/", host}, {"https://b\u00fccher.example/", host}};
    if (kind == &kHttpUrl) wrong.push_back({"", url});
    return wrong;
  }
  if (kind == &kSocketPath || kind == &kOptionalSocketPath) {
    const std::string path = "must be a path of 1 to 107 bytes";
    std::vector<WrongValue> wrong{{"/run/" + std::string(200, 'x'), path}, {"/run/a\tb", path}};
    if (kind == &kSocketPath) wrong.push_back({"", path});
    return wrong;
  }
  if (kind == &kListenAddress) {
    const std::string address = "must be empty or ADDRESS:PORT";
    return {{"9090", address},
            {"127.0.0.1", address},
            {"127.0.0.1:", address},
            {"127.0.0.1:70000", address},
            {"127.0.0.1:90s", address},
            {"example.com:80", address},
            {"::1:9090", address},
            {"[::1]:9090", address},
            {"1.2.3.4:1,5.6.7.8:2", address}};
  }
  if (kind == &kLogFile) {
    return {{"/nowhere/at/all", "must be stderr or a file that can be written"},
            {"/", "must be stderr or a file that can be written"},
            {"", "must not be empty"}};
  }
  if (kind == &kReadableFile) return {{"/nowhere/at/all", "must be empty or a file that can be read"}, {"a\nb", kLine}};
  if (kind == &kDirectory) return {{"/etc/passwd", "must be empty or a directory"}, {"a\nb", kLine}};
  if (kind == &kProgram) return {{"fortune", "must be empty or the full path of a program"}};
  if (kind == &kHeaderValue) {
    const std::string header = "must be a header's value of at most 8192 bytes";
    return {{"a\nb", header}, {"a\x7f", header}, {std::string(8193, 'x'), header}};
  }
  if (kind == &kOptionalStoreUrl) {
    const std::string store = "must be empty, or a URL such as valkey://";
    return {{"cache.example:6379", store}, {"valkey://a\nb", store}};
  }
  if (kind == &kOptionalPath || kind == &kNewDirectory) return {{"a\nb", kLine}};
  EXPECT_EQ(kind, &kAnyText);
  return {{"", "must not be empty"}, {"a\nb", kLine}, {"a\x7f", kLine}};
}

template <typename... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};

std::vector<WrongValue> wrong_values(const Option& option) {
  using Wrong = std::vector<WrongValue>;
  const std::string user = "must be a user of this system, by name or number";
  return std::visit(Overloaded{
                        [](const Integer& integer) { return out_of_range(integer.least, integer.most, "a number"); },
                        [](const Milliseconds& time) { return out_of_range(time.least, time.most, "milliseconds"); },
                        [](const Text& text) { return wrong_text(text); },
                        [](const Choice& choice) {
                          const std::string words(choice.words);
                          const std::string one = (choice.may_be_empty ? "must be empty or one of " : "must be one of ") + words;
                          Wrong wrong{{"nonsense", one}, {words, one}};
                          if (!choice.may_be_empty) wrong.push_back({"", one});
                          return wrong;
                        },
                        [](const WordList& list) {
                          Wrong wrong{{"a,,b", "must be words separated by commas"}};
                          if (list.words.empty()) {
                            wrong.push_back({"", "must not be empty"});
                            wrong.push_back({"a,b\n", kLine});
                          } else {
                            wrong.push_back({"nonsense", "must be a list of some of " + std::string(list.words)});
                          }
                          return wrong;
                        },
                        [](const Secret&) {
                          return Wrong{{"sk-1\nX-Other: 1", kLine}};
                        },
                        [](const Commands&) {
                          return Wrong{{"7", "must be a table of programs with their arguments"},
                                       {"{ a = [\"echo\"] }", "must name each program by its full path"}};
                        },
                        [](const Headers&) {
                          return Wrong{{"7", "must be a table of headers"},
                                       {"{ Host = \"example.com\" }", "has Host, which the daemon sets itself"}};
                        },
                        [&](const User&) {
                          return Wrong{{"no-such-user", user}, {"-1", user}, {"4294967295", user}};
                        },
                        [](const Group&) {
                          return Wrong{{"no-such-group", "must be a group of this system, by name or number"}};
                        },
                        [&](const UserList&) {
                          return Wrong{{"root,no-such-user", user}, {",", "must be words separated by"}};
                        },
                        [](const Boolean&) {
                          return Wrong{{"maybe", "must be true or false"}, {"", "must be true or false"}};
                        },
                        [](const FileMode&) {
                          const std::string mode = "must be an octal file mode from 0000 to 0777";
                          return Wrong{{"0888", mode}, {"01000", mode}, {"-1", mode}, {"rw-rw----", mode}, {"", mode}};
                        },
                    },
                    option.value);
}

// Escaped as in a message, or in a file's quotation marks.
std::string escaped(const std::string& text, const char* format, bool quotes) {
  std::string out;
  for (const char character : text) {
    char code[8];
    std::snprintf(code, sizeof code, format, static_cast<unsigned char>(character));
    const bool as_code =
        static_cast<unsigned char>(character) < 0x20 || character == 0x7f || (quotes && character == '"');
    out.append(as_code ? code : std::string(1, character));
  }
  return out;
}

class WrongValuesTest : public testing::Test {
 protected:
  Result<CommandLine> read(std::vector<std::string> arguments) {
    const std::string path = directory.file("config.toml");
    arguments.insert(arguments.begin(), {"streaming-daemon", "--config", path});
    std::vector<const char*> pointers;
    for (const std::string& argument : arguments) pointers.push_back(argument.c_str());
    return read_command_line(static_cast<int>(pointers.size()), pointers.data());
  }
  void write(const std::string& text) { std::ofstream(directory.file("config.toml")) << text; }
  // The file's third line is `name = value`.
  std::string error_of_file(std::string_view key, const std::string& value) {
    const std::size_t dot = key.rfind('.');
    write("# A comment.\n[" + std::string(key.substr(0, dot)) + "]\n" + std::string(key.substr(dot + 1)) + " = " +
          value + "\n");
    const Result<CommandLine> line = read({});
    EXPECT_FALSE(line.ok()) << key << " = " << value;
    return line.ok() ? "" : line.error().message;
  }
  void expect_message(const std::string& message, const std::string& source, const Option& option,
                      const WrongValue& wrong) {
    EXPECT_THAT(message, StartsWith(source + " " + wrong.may_be));
    EXPECT_THAT(message, Not(HasSubstr("\n")));
    if (std::holds_alternative<Secret>(option.value)) {
      EXPECT_THAT(message, Not(HasSubstr("sk-1")));
    } else if (!wrong.text.empty() && !std::holds_alternative<Commands>(option.value) &&
               !std::holds_alternative<Headers>(option.value)) {
      const bool in_a_list =
          std::holds_alternative<UserList>(option.value) || std::holds_alternative<WordList>(option.value);
      const std::string last = in_a_list ? wrong.text.substr(wrong.text.rfind(',') + 1) : wrong.text;
      EXPECT_THAT(message, HasSubstr(escaped(last, "\\x%02x", false) + "\""));
    }
  }

  TemporaryDirectory directory;
};

TEST_F(WrongValuesTest, ReportsAWrongValueInTheFile) {
  for (const Option& option : option_table()) {
    if (option.key.empty()) continue;
    for (const WrongValue& wrong : wrong_values(option)) {
      const std::string message = error_of_file(option.key, "\"" + escaped(wrong.text, "\\u%04x", true) + "\"");
      expect_message(message, directory.file("config.toml") + ":3: " + std::string(option.key), option, wrong);
    }
  }
}

TEST_F(WrongValuesTest, ReportsAWrongValueOfAFlag) {
  write("");
  for (const Option& option : option_table()) {
    if (option.flag.empty() || placeholder(option).empty()) continue;
    for (const WrongValue& wrong : wrong_values(option)) {
      const std::string flag(option.flag);
      const Result<CommandLine> line = wrong.text.empty() ? read({flag, ""}) : read({flag + "=" + wrong.text});
      ASSERT_FALSE(line.ok()) << flag << " " << wrong.text;
      expect_message(line.error().message, std::string(option.flag), option, wrong);
    }
  }
}

TEST_F(WrongValuesTest, ReportsAWrongValueInTheEnvironment) {
  write("");
  for (const Option& option : option_table()) {
    if (option.variable.empty()) continue;
    const std::string variable(option.variable);
    for (const WrongValue& wrong : wrong_values(option)) {
      if (wrong.text.empty()) continue;  // counts as not set
      setenv(variable.c_str(), wrong.text.c_str(), 1);
      const Result<CommandLine> line = read({});
      unsetenv(variable.c_str());
      ASSERT_FALSE(line.ok()) << variable << "=" << wrong.text;
      expect_message(line.error().message, variable, option, wrong);
    }
  }
}

// Values of TOML that no setting has.
TEST_F(WrongValuesTest, ReportsAValueOfTheWrongType) {
  for (const Option& option : option_table()) {
    if (option.key.empty()) continue;
    for (const std::string value : {"1979-05-27", "[[]]", "1.5", "[ 'sk-1', 2 ]", "{ 'sk-1' = 7 }"}) {
      const std::string message = error_of_file(option.key, value);
      EXPECT_THAT(message, StartsWith(directory.file("config.toml") + ":3: " + std::string(option.key) + " must "));
      if (std::holds_alternative<Secret>(option.value)) {
        EXPECT_THAT(message, Not(HasSubstr("sk-1")));
      }
    }
    const bool takes_numbers =
        std::holds_alternative<Integer>(option.value) || std::holds_alternative<Milliseconds>(option.value) ||
        std::holds_alternative<Boolean>(option.value) || std::holds_alternative<FileMode>(option.value) ||
        std::holds_alternative<User>(option.value) || std::holds_alternative<Group>(option.value);
    if (!takes_numbers) {
      EXPECT_THAT(error_of_file(option.key, "1"), HasSubstr(std::string(option.key) + " must be "));
    }
    if (!std::holds_alternative<Boolean>(option.value)) {
      EXPECT_THAT(error_of_file(option.key, "true"), HasSubstr(std::string(option.key) + " must be "));
    }
  }
}

TEST_F(WrongValuesTest, HaveTheValuesSourceInTheMessageWhereItIsReadLater) {
  const std::string missing = directory.file("missing"), cannot = ": cannot read the key in " + missing;
  for (const Option& option : option_table()) {
    const auto* secret = std::get_if<Secret>(&option.value);
    if (secret == nullptr) continue;
    const std::string key = std::string(option.key) + "_file";
    EXPECT_THAT(error_of_file(key, "\"" + missing + "\""),
                StartsWith(directory.file("config.toml") + ":3: " + key + cannot));
    write("");
    const std::string variable(find_option(key)->variable);
    setenv(variable.c_str(), missing.c_str(), 1);
    EXPECT_THAT(read({}).error().message, StartsWith(variable + cannot));
    unsetenv(variable.c_str());
  }
  EXPECT_THAT(error_of_file("backend.langgraph.profiles.p.api_key_file", "\"" + missing + "\""),
              StartsWith(directory.file("config.toml") + ":3: backend.langgraph.profiles.p.api_key_file" + cannot));
}

TEST_F(WrongValuesTest, DoNotHideInSectionsAndKeysThatDoNotExist) {
  const std::string path = directory.file("config.toml");
  const std::pair<const char*, const char*> mistakes[] = {
      {"[sever]\n", ":1: unknown section [sever]; did you mean [server]?"},
      {"\n[server]\nworkers = 2\n[server.limits]\n", ":4: unknown section [server.limits]"},
      {"[backend.opena]\nmodel = \"x\"\n", ":1: unknown section [backend.opena]; did you mean [backend.openai]?"},
      {"server = 5\n", ":1: server must be a section, with its keys below [server]"},
      {"[server.workers]\n", ":1: server.workers must be a number from 0 to 1024, not \"{}\""},
      {"workers = 2\n", ":1: unknown key workers; did you mean server.workers?"},
      {"[server]\nsocket-path = \"x\"\n", ":2: unknown key server.socket-path; did you mean server.socket_path?"},
      {"\"\" = 9090\n", ":1: unknown key "},
  };
  for (const auto& [text, message] : mistakes) {
    write(text);
    const Result<CommandLine> line = read({});
    ASSERT_FALSE(line.ok()) << text;
    EXPECT_THAT(line.error().message, StartsWith(path + message));
  }
}

// The message has the line's number, but not its contents, which may be a key.
TEST_F(WrongValuesTest, DoNotHideInWhatIsNoToml) {
  for (const char* text : {"\n[server]\nworkers = 1\nworkers = 2\n", "\n\n[server]\n[server]\n",
                           "\n\n[backend.openai]\napi_key = sk-1\n", "\n\n[backend.openai]\napi_key = \"sk-1\n",
                           "\n\n[backend.openai]\napi_key \"sk-1\"\n", "\n\n[backend.openai\n"}) {
    write(text);
    const Result<CommandLine> line = read({});
    ASSERT_FALSE(line.ok()) << text;
    EXPECT_THAT(line.error().message, AnyOf(StartsWith(directory.file("config.toml") + ":3: "),
                                            StartsWith(directory.file("config.toml") + ":4: ")));
    EXPECT_THAT(line.error().message, Not(HasSubstr("sk-")));
    EXPECT_THAT(line.error().message, Not(HasSubstr("\n")));
  }
}

}  // namespace
}  // namespace streaming
