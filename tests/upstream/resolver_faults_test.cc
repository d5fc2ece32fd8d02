// SPDX-License-Identifier: Apache-2.0
// The resolver when c-ares cannot be started again: the functions that start it and that look at its file are replaced.
// A program of its own, because that holds for all of it.

#include <ares.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <optional>
#include <string_view>

#include "support/fake_ring.h"
#include "upstream/limits.h"
#include "upstream/resolver.h"

namespace {

bool resolv_conf_changed = false;
bool ares_fails = false;

}  // namespace

extern "C" {

int stat(const char* path, struct stat* status) noexcept {
  const int result = fstatat(AT_FDCWD, path, status, 0);
  if (resolv_conf_changed && std::string_view(path) == "/etc/resolv.conf") status->st_size += 1;
  return result;
}

// It fails so if the process has no descriptor left to read its files.
int ares_init_options(ares_channel* channel, ares_options* options, int mask) {
  if (ares_fails) return ARES_EFILE;
  return reinterpret_cast<decltype(&ares_init_options)>(dlsym(RTLD_NEXT, "ares_init_options"))(channel, options, mask);
}

}  // extern "C"

namespace streaming {
namespace {

struct Asker final : AddressAsker {
  void on_addresses(const Result<AddressList>& found) override { failed = !found; }
  std::optional<bool> failed;
};

TEST(ResolverFaults, GivesUpItsQuestionsAndTheirTimersWhenTheResolverCannotBeOpenedAgain) {
  ASSERT_TRUE(Resolver::start_library().ok());
  FakeRing ring;  // nothing is ever answered
  TimerWheel timers{Time(Duration(1000))};
  SocketWatches watches{ring};
  Resolver resolver{watches, timers};
  Asker first, second;
  resolver.ask("first.invalid", first);
  ASSERT_FALSE(first.failed) << "its question is on its way";

  resolv_conf_changed = ares_fails = true;
  resolver.ask("second.invalid", second);
  EXPECT_EQ(first.failed, true);
  EXPECT_EQ(second.failed, true);
  for (Duration passed{0}; passed < kUpstreamConnectTimeout; passed += Duration(100)) {
    timers.set_now(timers.now() + Duration(100));
    timers.expire();
  }

  ares_fails = false;
  Asker third;
  resolver.ask("third.invalid", third);
  EXPECT_FALSE(third.failed) << "its question is on its way";
}

}  // namespace
}  // namespace streaming
