// SPDX-License-Identifier: Apache-2.0
#include "handoff/payload_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "base/json_input.h"
#include "support/payload_memfd.h"
#include "support/unix_sockets.h"

namespace streaming {
namespace {

constexpr std::size_t kMax = 1 << 20;

std::string mistake(UniqueFd file, std::size_t max_bytes = kMax) {
  const Result<PayloadFile> payload = PayloadFile::map(std::move(file), max_bytes);
  return payload.ok() ? "no mistake" : payload.error().message;
}

TEST(PayloadFile, HoldsTheBytesWithRoomBehindThemAlsoWhenThePageIsFull) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  for (const std::size_t size : {std::size_t{1}, page - kJsonPadding, page - 1, page, page + 1, 3 * page}) {
    const std::string text(size, 'x');
    const Result<PayloadFile> payload = PayloadFile::map(payload_memfd(text), kMax);
    ASSERT_TRUE(payload.ok()) << payload.error().message;
    const std::span<char> bytes = payload.value().bytes();
    EXPECT_EQ(std::string_view(bytes.data(), bytes.size()), text);
    bytes.data()[0] = 'y';
    std::fill_n(bytes.data() + bytes.size(), kJsonPadding, '\0');
  }
}

TEST(PayloadFile, RefusesAFileThatCouldStillChange) {
  for (const int missing : {F_SEAL_WRITE, F_SEAL_SHRINK, F_SEAL_GROW}) {
    EXPECT_NE(mistake(payload_memfd("{}", kAllSeals & ~missing)).find("not sealed"), std::string::npos);
  }
}

TEST(PayloadFile, RefusesWhatIsNoMemfd) {
  auto [one, other] = socket_pair();
  EXPECT_NE(mistake(std::move(one)).find("not a memfd"), std::string::npos);
  EXPECT_NE(mistake(UniqueFd(open("/dev/null", O_RDWR))).find("not a memfd"), std::string::npos);
}

TEST(PayloadFile, RefusesAnEmptyOneAndOneThatIsTooLarge) {
  EXPECT_NE(mistake(payload_memfd("")).find("empty"), std::string::npos);
  const Result<PayloadFile> payload = PayloadFile::map(payload_memfd("12345"), 4);
  ASSERT_FALSE(payload.ok());
  EXPECT_EQ(payload.error().code, EFBIG);
}

}  // namespace
}  // namespace streaming
