#include "upstream/resolver.h"

#include <gtest/gtest.h>

#include "support/http_client_loop.h"

namespace streaming {
namespace {

struct Asker final : AddressAsker {
  void on_addresses(const Result<AddressList>& found) override {
    ++answers;
    ok = found.ok();
    addresses = found ? found->size() : 0;
  }
  int answers = 0;
  bool ok = false;
  std::size_t addresses = 0;
};

class ResolverTest : public testing::Test, private CompletionHandler {
 protected:
  ResolverTest() {
    loop.client.reset();
    resolver.emplace(*loop.ring, loop.timers);
  }
  void run_until(const std::function<bool()>& condition) {
    const Time deadline = MonotonicClock::now() + std::chrono::seconds(10);
    while (!condition()) {
      ASSERT_LT(MonotonicClock::now(), deadline);
      ASSERT_TRUE(loop.ring->wait(50'000'000).ok());
      loop.ring->dispatch(*this);
    }
  }
  void on_completion(const Completion& completion) override {
    EXPECT_EQ(completion.tag.operation, Operation::kAddressesFound);
    resolver->on_found();
  }

  HttpClientLoop loop;
  std::optional<Resolver> resolver;
  Asker asker, other;
};

TEST_F(ResolverTest, KnowsAddressesAtOnce) {
  resolver->ask("127.0.0.1", 80, asker);
  EXPECT_TRUE(asker.ok);
  resolver->ask("::1", 80, asker);
  EXPECT_TRUE(asker.ok);
  EXPECT_EQ(asker.answers, 2);
}

TEST_F(ResolverTest, FindsANameForAllWhoAskAndKeepsItForAWhile) {
  resolver->ask("localhost", 80, asker);
  resolver->ask("localhost", 80, other);
  EXPECT_EQ(asker.answers, 0);
  run_until([&] { return asker.answers == 1 && other.answers == 1; });
  EXPECT_TRUE(asker.ok);
  EXPECT_GE(asker.addresses, 1u);
  resolver->ask("localhost", 80, asker);
  EXPECT_EQ(asker.answers, 2);
  resolver->forget("localhost", 80);
  resolver->ask("localhost", 80, asker);
  EXPECT_EQ(asker.answers, 2);
  run_until([&] { return asker.answers == 3; });
}

TEST_F(ResolverTest, SaysThatThereIsNoSuchName) {
  resolver->ask("no-such-host.invalid", 80, asker);
  run_until([&] { return asker.answers == 1; });
  EXPECT_FALSE(asker.ok);
}

TEST_F(ResolverTest, MayGoWhileItsThreadIsAtWork) {
  resolver->ask("no-such-host.invalid", 80, asker);
  asker.unlink();
  resolver.reset();
  EXPECT_EQ(asker.answers, 0);
}

}  // namespace
}  // namespace streaming
