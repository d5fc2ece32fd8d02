// SPDX-License-Identifier: Apache-2.0
#include "files/file_reader.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "support/ring_turns.h"
#include "support/temporary_directory.h"

namespace streaming {
namespace {

struct Receiver final : FileReceiver {
  bool on_size(std::size_t) override { return true; }
  void on_file(Result<std::string> file) override {
    ++calls;
    error = file.ok() ? 0 : file.error().code;
    contents = file.ok() ? *file : "";
  }
  int calls = 0;
  int error = 0;
  std::string contents;
};

std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

class FileReaderTest : public testing::Test {
 protected:
  FileReaderTest() {
    reader.enter_at(completions);
    turns.handler = [this](const Completion& completion) { completions.on_completion(completion); };
    std::filesystem::create_directories(root.file("data/sub"));
    write("data/a.txt", "hello");
    write("data/sub/b.txt", "below");
    write("data/empty", "");
    write("secret", "secret");
    directory = std::make_shared<const UniqueFd>(open(root.file("data").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    descriptors_before = open_descriptors();
  }
  ~FileReaderTest() override {
    EXPECT_TRUE(turns.turn_until([&] { return reader.empty() && open_descriptors() == descriptors_before; }));
  }
  void SetUp() override {
    if (!can_open_beneath()) GTEST_SKIP() << "openat2() is missing or forbidden here";
  }
  void write(const std::string& name, const std::string& text) { std::ofstream(root.file(name)) << text; }
  // The errno; 0 if the file was read.
  int read(const std::string& path, std::size_t most = 100) {
    const int calls = receiver.calls;
    reader.read(directory, path, most, receiver);
    EXPECT_EQ(receiver.calls, calls) << "never from within";
    EXPECT_TRUE(turns.turn_until([&] { return receiver.calls > calls; }));
    return receiver.error;
  }

  TemporaryDirectory root;
  RingTurns turns;
  FileReader reader{*turns.ring};
  CompletionTable completions;
  FileReader::Directory directory;
  Receiver receiver;
  std::size_t descriptors_before = 0;
};

TEST_F(FileReaderTest, ReadsWholeFilesBeneathItsDirectory) {
  EXPECT_EQ(read("a.txt"), 0);
  EXPECT_EQ(receiver.contents, "hello");
  EXPECT_EQ(read("sub/b.txt"), 0);
  EXPECT_EQ(receiver.contents, "below");
  EXPECT_EQ(read("empty"), 0);
  EXPECT_EQ(receiver.contents, "");
  const std::string large(3'000'000, 'x');
  write("data/large", large);
  EXPECT_EQ(read("large", large.size()), 0);
  EXPECT_EQ(receiver.contents, large);
}

TEST_F(FileReaderTest, ReachesNothingOutside) {
  std::filesystem::create_symlink(root.file("secret"), root.file("data/link"));
  std::filesystem::create_symlink("a.txt", root.file("data/inner"));
  std::filesystem::create_directory_symlink("/", root.file("data/root"));
  for (const std::string& path : {std::string("../secret"), std::string("sub/../../secret"), std::string("link"),
                                  std::string("inner"), std::string("root/etc/passwd"), root.file("secret")}) {
    EXPECT_NE(read(path), 0) << path;
  }
  EXPECT_EQ(receiver.contents, "");
}

TEST_F(FileReaderTest, ReadsNothingButFiles) {
  ASSERT_EQ(mkfifo(root.file("data/pipe").c_str(), 0600), 0);
  EXPECT_EQ(read("pipe"), EINVAL) << "and does not wait for its other end";
  EXPECT_EQ(read("sub"), EINVAL);
  EXPECT_EQ(read("missing"), ENOENT);
  EXPECT_EQ(read("a.txt/b"), ENOTDIR);
}

TEST_F(FileReaderTest, KeepsToTheLimit) {
  EXPECT_EQ(read("a.txt", 5), 0);
  EXPECT_EQ(read("a.txt", 4), EFBIG);
}

TEST_F(FileReaderTest, TellsNobodyOnceForgotten) {
  reader.forget(reader.read(directory, "a.txt", 100, receiver));
  ASSERT_TRUE(turns.turn_until([&] { return reader.empty(); }));
  EXPECT_EQ(receiver.calls, 0);
}

TEST_F(FileReaderTest, RemovesFilesBeneathItsDirectoryAlone) {
  std::filesystem::create_directory_symlink(root.file(""), root.file("data/out"));
  for (const char* path : {"a.txt", "sub/b.txt", "../secret", "out/secret", "missing"}) reader.remove(directory, path);
  ASSERT_TRUE(turns.turn_until([&] { return reader.empty(); }));
  EXPECT_FALSE(std::filesystem::exists(root.file("data/a.txt")));
  EXPECT_FALSE(std::filesystem::exists(root.file("data/sub/b.txt")));
  EXPECT_TRUE(std::filesystem::exists(root.file("secret")));
}

}  // namespace
}  // namespace streaming
