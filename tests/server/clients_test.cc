// The daemon's formats as clients read them that nobody here wrote (t/clients), with answers of a server likewise
// (t/upstream).

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "support/daemon_process.h"
#include "support/http_front.h"
#include "support/upstream_server.h"

namespace streaming {
namespace {

class ClientsTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(upstream.ready());
    ASSERT_TRUE(daemon.ready()) << daemon.log();
  }

  // The script's exit status; what it says goes to the standard output.
  int run(const std::string& script) const {
    const std::string clients = SOURCE_DIR "/t/clients/";
    return std::system(("PORT=" + std::to_string(front.port()) + " " SOURCE_DIR "/t/upstream/node --test " + clients +
                        script + " 2>&1")
                           .c_str());
  }

  UpstreamServer upstream;
  DaemonProcess daemon{{"--backend", "openai", "--openai-base", upstream.base(), "--delay", "1"},
                       [] { setenv("DAEMON_RESPONSE_DONE_EVENT", "true", 1); }};
  HttpFront front{daemon.socket()};
};

TEST_F(ClientsTest, OfVercelsSdkReadUiMessages) {
  EXPECT_EQ(run("ui-message.mjs"), 0);
}

TEST_F(ClientsTest, OfEventStreamsReadEveryFormat) {
  EXPECT_EQ(run("event-source.mjs"), 0);
}

}  // namespace
}  // namespace streaming
