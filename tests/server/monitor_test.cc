// SPDX-License-Identifier: Apache-2.0
// The daemon's monitoring: metrics, health, streams, log.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <ifaddrs.h>
#include <rapidjson/document.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <map>
#include <optional>
#include <regex>
#include <set>

#include "support/daemon_process.h"
#include "support/http_get.h"

namespace streaming {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// An IPv4 address of this machine other than loopback; empty if there is none.
std::string address_of_this_machine() {
  ifaddrs* first = nullptr;
  if (getifaddrs(&first) != 0) return "";
  std::string found;
  for (const ifaddrs* entry = first; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || entry->ifa_addr->sa_family != AF_INET) continue;
    char text[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(entry->ifa_addr)->sin_addr, text, sizeof text);
    if (!std::string_view(text).starts_with("127.")) found = text;
  }
  freeifaddrs(first);
  return found;
}

class MonitorTest : public testing::Test {
 protected:
  explicit MonitorTest(std::vector<std::string> flags = {})
      : daemon([&flags] {
          flags.insert(flags.end(), {"--metrics-addr", "127.0.0.1:0", "--workers", "2", "--openai-base",
                                     "http://127.0.0.1:1/v1"});
          return flags;
        }()) {
    port = daemon.monitor_port();
  }

  std::string get(const std::string& path) const { return http_get(port, path); }
  bool eventually_has(const std::string& path, const std::string& text) const {
    return eventually([&] { return get(path).find(text) != std::string::npos; });
  }

  DaemonProcess daemon;
  int port = 0;
};

TEST_F(MonitorTest, CountsWhatHasHappened) {
  for (int i = 0; i < 3; ++i) read_to_end(daemon.hand_client_over("{}").get());
  const UniqueFd browser = daemon.hand_client_over("not JSON");
  read_to_end(browser.get());
  EXPECT_TRUE(eventually_has("/metrics", "\ndaemon_streams_ended_total{cause=\"completed\"} 3\n"));
  const std::string metrics = get("/metrics");
  EXPECT_THAT(metrics, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(metrics, HasSubstr("\ndaemon_handoffs_total 4\n"));
  EXPECT_THAT(metrics, HasSubstr("\ndaemon_refusals_total{reason=\"invalid\"} 1\n"));
  EXPECT_THAT(metrics, HasSubstr("\ndaemon_chunks_sent_total 54\n"));
  EXPECT_THAT(metrics, HasSubstr("\ndaemon_backend_requests_total{backend=\"mock\"} 3\n"));
  EXPECT_THAT(metrics, HasSubstr("\ndaemon_transport_streams_total{transport=\"relayed\"} 3\n")) << "by Unix sockets";
  EXPECT_THAT(metrics, HasSubstr("\ndaemon_transport_streams_total{transport=\"plain\"} 0\n"));
  EXPECT_THAT(metrics, HasSubstr("\ndaemon_stream_duration_seconds_count 3\n"));
  EXPECT_THAT(metrics, HasSubstr("\ndaemon_first_token_seconds_bucket{le=\"+Inf\"} 3\n"));
  EXPECT_THAT(metrics, HasSubstr("\ndaemon_active_streams 0\n"));
  EXPECT_THAT(metrics, ContainsRegex("\ndaemon_build_info\\{version=\"[0-9.]+\",engine=\"(io_uring|epoll)\"\\} 1\n"));
}

TEST_F(MonitorTest, ExposesEveryMetricOfTheExistingDaemons) {
  const std::string metrics = get("/metrics");
  for (const char* name :
       {"active_connections", "connections_total", "connections_rejected_total", "active_streams", "peak_streams",
        "bytes_sent_total", "chunks_sent_total", "stream_errors_total", "stream_duration_seconds", "handoffs_total",
        "handoff_errors_total", "handoff_duration_seconds", "backend_requests_total", "backend_errors_total",
        "backend_duration_seconds", "backend_ttfb_seconds"}) {
    EXPECT_THAT(metrics, HasSubstr(std::string("# TYPE daemon_") + name + " "));
  }
}

TEST_F(MonitorTest, CountsErrorsUnderTheReasonsThatExistingDashboardsAskFor) {
  daemon.hand_over("{}", {socket_pair().first.get()});  // its browser has left already
  EXPECT_TRUE(eventually_has("/metrics", "\ndaemon_stream_errors_total{reason=\"client_disconnected\"} 1\n"));
  const std::string metrics = get("/metrics");
  for (const char* reason : {"timeout", "canceled", "network", "other"}) {
    EXPECT_THAT(metrics, HasSubstr(std::string("\ndaemon_stream_errors_total{reason=\"") + reason + "\"} 0\n"));
  }
  EXPECT_THAT(metrics, HasSubstr("\ndaemon_streams_ended_total{cause=\"client_gone\"} 1\n"));
}

TEST_F(MonitorTest, ExposesTheStandardProcessMetricsAndTheCapacity) {
  const std::string metrics = get("/metrics");
  for (const char* name : {"process_cpu_seconds_total counter", "process_resident_memory_bytes gauge",
                           "process_virtual_memory_bytes gauge", "process_start_time_seconds gauge",
                           "process_open_fds gauge", "process_max_fds gauge", "process_threads gauge",
                           "daemon_max_connections gauge", "daemon_max_upstream_connections gauge"}) {
    EXPECT_THAT(metrics, HasSubstr(std::string("# TYPE ") + name + "\n"));
  }
  EXPECT_THAT(metrics, Not(ContainsRegex("\nprocess_[a-z_]+ 0\n")));
  EXPECT_THAT(metrics, ContainsRegex("\ndaemon_max_connections [1-9][0-9]*\n"));
}

TEST_F(MonitorTest, MeasuresHandoffsThatTakeLessThanAMillisecond) {
  read_to_end(daemon.hand_client_over("{}").get());
  EXPECT_TRUE(eventually_has("/metrics", "\ndaemon_handoff_duration_seconds_count 1\n"));
  EXPECT_THAT(get("/metrics"), Not(HasSubstr("\ndaemon_handoff_duration_seconds_sum 0\n")));
}

TEST_F(MonitorTest, LogsTheBeginningOfAModelsLongName) {
  read_to_end(daemon.hand_client_over(R"({"model":")" + std::string(256, 'm') + R"("})").get());
  ASSERT_TRUE(daemon.logs("stream ended")) << daemon.log();
  EXPECT_THAT(daemon.log(), HasSubstr(" model=" + std::string(128, 'm') + " "));
}

// The connections are closed after a while. On a busy machine that may come before the answer, so try again then.
TEST_F(MonitorTest, AnswersWhileConnectionsThatAskForNothingAreOpen) {
  EXPECT_TRUE(eventually([this] {
    const UniqueFd idle[] = {tcp_connection_to(port), tcp_connection_to(port), tcp_connection_to(port)};
    EXPECT_THAT(get("/healthz"), StartsWith("HTTP/1.1 200 OK\r\n"));
    return std::all_of(std::begin(idle), std::end(idle), [](const UniqueFd& connection) {
      char byte = 0;
      return recv(connection.get(), &byte, 1, MSG_DONTWAIT) < 0;
    });
  }));
}

TEST_F(MonitorTest, ExposesEveryMetricOfTheDashboardAndTheAlerts) {
  const std::string metrics = get("/metrics");
  for (const char* name : {"/conf/grafana-dashboard.json", "/conf/prometheus-alerts.yml"}) {
    std::ostringstream text;
    text << std::ifstream(std::string(SOURCE_DIR) + name).rdbuf();
    const std::string file = text.str();
    const std::regex metric("(daemon|process)_[a-z_]+");
    std::size_t found = 0;
    for (auto match = std::sregex_iterator(file.begin(), file.end(), metric); match != std::sregex_iterator();
         ++match) {
      const std::string family = std::regex_replace(match->str(), std::regex("_(bucket|sum|count)$"), "");
      EXPECT_THAT(metrics, HasSubstr("# TYPE " + family + " ")) << name;
      ++found;
    }
    EXPECT_GT(found, 5u) << name;
  }
}

TEST_F(MonitorTest, ExposesMetricsThatPrometheusOwnParserReads) {
  read_to_end(daemon.hand_client_over("{}").get());
  TemporaryDirectory directory;
  const std::string metrics = get("/metrics");
  std::ofstream(directory.file("metrics")) << metrics.substr(metrics.find("\r\n\r\n") + 4);
  const std::string program =
      "import sys, prometheus_client.parser as parser; "
      "families = list(parser.text_fd_to_metric_families(sys.stdin)); "
      "sys.exit(not (len(families) > 30 and all(f.documentation and f.type != 'unknown' for f in families)))";
  EXPECT_EQ(std::system(("/usr/bin/python3 -c \"" + program + "\" < '" + directory.file("metrics") + "'").c_str()), 0)
      << "needs python3-prometheus-client (cmake/install-dependencies test)\n" << metrics;
}

// The rules of `promtool check metrics`. promtool itself is not used, because Debian has it only in the package
// prometheus, whose server would take the daemon's port at the machine's next start.
TEST_F(MonitorTest, KeepsToTheRulesForMetrics) {
  read_to_end(daemon.hand_client_over("{}").get());
  ASSERT_TRUE(eventually_has("/metrics", "\ndaemon_streams_ended_total{cause=\"completed\"} 1\n"));
  const std::string metrics = get("/metrics");
  std::istringstream lines(metrics.substr(metrics.find("\r\n\r\n") + 4));
  std::map<std::string, std::string> types, values;
  std::set<std::string> explained;
  const std::regex comment("# (HELP|TYPE) ([a-z_]+) (.+)"), sample("([a-z_]+)(\\{.*\\})? (\\S+)");
  // Abbreviated units, units that are not base units, and types.
  const std::regex not_allowed("_(ms|s|ns|us|milliseconds|microseconds|minutes|hours|kb|mb|kilobytes|megabytes|bits|percent|"
                               "counter|gauge|histogram|summary|bucket|sum|count)(_total)?$");
  for (std::string line; std::getline(lines, line);) {
    std::smatch part;
    if (std::regex_match(line, part, comment)) {
      const bool is_new = part[1] == "HELP" ? explained.insert(part[2]).second : types.emplace(part[2], part[3]).second;
      EXPECT_TRUE(is_new) << line;
      continue;
    }
    ASSERT_TRUE(std::regex_match(line, part, sample)) << line;
    EXPECT_TRUE(values.emplace(part[1].str() + part[2].str(), part[3]).second) << "twice: " << line;
    const std::string family = std::regex_replace(part[1].str(), std::regex("_(bucket|sum|count)$"), "");
    ASSERT_TRUE(types.contains(family)) << line;
    EXPECT_TRUE(explained.contains(family)) << line;
    EXPECT_EQ(types[family] == "counter", family.ends_with("_total")) << family;
    EXPECT_FALSE(std::regex_search(family, not_allowed)) << family;
  }
  for (const auto& [family, type] : types) {
    if (type != "histogram" || values.contains(family + "_bucket{le=\"+Inf\"}") == 0) continue;
    EXPECT_EQ(values[family + "_bucket{le=\"+Inf\"}"], values[family + "_count"]) << family;
  }
}

TEST_F(MonitorTest, ReportsReadyUntilTheDaemonDrains) {
  EXPECT_THAT(get("/healthz"), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(get("/readyz"), StartsWith("HTTP/1.1 200 OK\r\n"));
  const UniqueFd browser = daemon.hand_client_over("{}");
  EXPECT_NE(read_some(browser.get()), "");
  daemon.signal(SIGTERM);
  EXPECT_TRUE(eventually_has("/readyz", "HTTP/1.1 503 Service Unavailable\r\n"));
  read_to_end(browser.get());
  EXPECT_EQ(daemon.exit_status(), 0);
}

class SlowMonitorTest : public MonitorTest {
 protected:
  SlowMonitorTest() : MonitorTest({"--delay", "60000", "--shutdown-timeout-ms", "0"}) {}
};

TEST_F(SlowMonitorTest, ShowsTheStreamsThatThereAre) {
  const UniqueFd one = daemon.hand_client_over(R"({"request_id":"r-1","user_id":7,"model":"m","prompt":"secret"})");
  const UniqueFd other = daemon.hand_client_over("{}");
  EXPECT_NE(read_some(one.get()), "");
  EXPECT_NE(read_some(other.get()), "");
  const std::string answer = get("/streams");
  EXPECT_THAT(answer, Not(HasSubstr("secret")));
  rapidjson::Document json;
  json.Parse(answer.c_str() + answer.find("\r\n\r\n") + 4);
  ASSERT_FALSE(json.HasParseError()) << answer;
  EXPECT_EQ(json["streams"].Size(), 2u);
  EXPECT_THAT(answer, HasSubstr(R"("request_id":"r-1","user":"7","model":"m","backend":"mock",)"
                                R"("transport":"relayed","state":"streaming")"));
  EXPECT_THAT(answer, ContainsRegex(R"("stream":"[01]\.[0-9]+\.[0-9]+")"));
  EXPECT_TRUE(eventually_has("/metrics", "\ndaemon_active_streams 2\n"));
}

TEST_F(SlowMonitorTest, ShowsTheAnswersThatAreKept) {
  UniqueFd asker = daemon.hand_client_over(R"({"answer_id":"a","request_id":"r-1","user_id":7,"prompt":"secret"})");
  EXPECT_NE(read_some(asker.get()), "");
  EXPECT_TRUE(eventually_has("/streams", R"("backend":"mock","answer":"a","transport")"));
  EXPECT_TRUE(eventually_has("/streams", R"("answers":[{"answer":"a","request_id":"r-1","user":"7","backend":"mock",)"
                                         R"("state":"running","worker":)"));
  EXPECT_TRUE(eventually_has("/metrics", "\ndaemon_kept_answers{state=\"running\"} 1\n"));
  EXPECT_TRUE(eventually_has("/metrics", "\ndaemon_answer_followers 1\n"));
  asker.reset();
  EXPECT_TRUE(eventually_has("/streams", R"({"streams":[],"answers":[{"answer":"a")"));
  EXPECT_TRUE(eventually_has("/streams", R"("totals":{"running_answers":1,"ended_answers":0,"kept_bytes":)"));
  EXPECT_TRUE(eventually_has("/streams", R"("followers":0,"waiting_reports":0,"undelivered_reports":0}})"));
  read_to_end(daemon.hand_client_over(R"({"answer_id":"a","action":"stop","user_id":7})").get());
  EXPECT_TRUE(eventually_has("/streams", R"("state":"stopped")"));
  EXPECT_TRUE(eventually_has("/metrics", "\ndaemon_kept_answers{state=\"ended\"} 1\n"));
}

TEST_F(MonitorTest, LogsOneLineAtAStreamsEnd) {
  read_to_end(daemon.hand_client_over(R"({"request_id":"r 1","user_id":"u","prompt":"secret"})").get());
  ASSERT_TRUE(daemon.logs("stream ended")) << daemon.log();
  EXPECT_THAT(daemon.log(),
              ContainsRegex("stream ended stream=[0-9]+\\.[0-9]+\\.[0-9]+ request_id=\"r 1\" user=u backend=mock "
                            "transport=relayed status=200 cause=completed events=18 bytes=[0-9]+ first_token_ms=[0-9]+ duration_ms=[0-9]+\n"));
  EXPECT_THAT(daemon.log(), Not(HasSubstr("secret")));
}

TEST(Monitor, SaysThatADrainingDaemonIsHealthyAlsoWhenAWorkerHasEnded) {
  DaemonProcess daemon({"--delay", "60000", "--metrics-addr", "127.0.0.1:0", "--workers", "2"});
  const int port = daemon.monitor_port();
  const UniqueFd browser = daemon.hand_client_over("{}");
  EXPECT_NE(read_some(browser.get()), "");
  const std::size_t threads = daemon.threads();
  daemon.signal(SIGTERM);
  ASSERT_TRUE(eventually([&] { return daemon.threads() < threads; })) << "one of two workers has no stream";
  EXPECT_THAT(http_get(port, "/healthz"), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(http_get(port, "/readyz"), StartsWith("HTTP/1.1 503 Service Unavailable\r\n"));
  EXPECT_THAT(http_get(port, "/streams"), HasSubstr("\"state\":\"streaming\""));
}

TEST_F(SlowMonitorTest, ShowsWhatApacheCallsAStreamAndLogsItAtItsEnd) {
  UniqueFd browser = daemon.hand_client_over(
      R"({"apache":{"request_id":"Zx@1","client":"192.0.2.7","method":"POST","uri":"/ch at"},"prompt":"x"})");
  EXPECT_NE(read_some(browser.get()), "");
  EXPECT_THAT(get("/streams"), HasSubstr(R"("apache_id":"Zx@1","client":"192.0.2.7","path":"/ch at")"));
  browser.reset();
  ASSERT_TRUE(daemon.logs("stream ended")) << daemon.log();
  EXPECT_THAT(daemon.log(), HasSubstr(" apache_id=Zx@1 client=192.0.2.7 path=\"/ch at\" backend=mock"));
}

TEST_F(SlowMonitorTest, CountsTheFirstEventsOfStreamsThatStillRun) {
  const UniqueFd browser = daemon.hand_client_over("{}");
  EXPECT_NE(read_some(browser.get()), "");
  EXPECT_TRUE(eventually_has("/metrics", "\ndaemon_first_token_seconds_count 1\n"));
}

// Both log lines of a failed stream have its id.
TEST_F(MonitorTest, CallsAStreamTheSameInEachLineOfTheLog) {
  const UniqueFd browser = daemon.hand_client_over(R"({"backend":"openai"})");
  read_to_end(browser.get());
  ASSERT_TRUE(daemon.logs("stream ended")) << daemon.log();
  std::smatch warning, end;
  const std::string log = daemon.log();
  ASSERT_TRUE(std::regex_search(log, warning, std::regex("stream ([0-9.]+): upstream_unreachable"))) << log;
  ASSERT_TRUE(std::regex_search(log, end, std::regex("stream ended stream=([0-9.]+) "))) << log;
  EXPECT_EQ(warning[1], end[1]);
}

TEST(Log, WritesJsonAndReopensItsFileOnRequest) {
  TemporaryDirectory directory;
  const std::string file = directory.file("daemon.log");
  DaemonProcess daemon({"--log-format", "json", "--log-file", file, "--delay", "0"});
  auto words = [&file] {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
  };
  ASSERT_TRUE(eventually([&] { return words().find("ready on") != std::string::npos; }));
  read_to_end(daemon.hand_client_over(R"({"request_id":"a\"b"})").get());
  ASSERT_TRUE(eventually([&] { return words().find("stream ended") != std::string::npos; }));
  std::istringstream lines(words());
  for (std::string line; std::getline(lines, line);) {
    rapidjson::Document json;
    json.Parse(line.c_str());
    ASSERT_FALSE(json.HasParseError()) << line;
    EXPECT_TRUE(json.HasMember("time") && json.HasMember("level") && json.HasMember("message")) << line;
    if (json["message"] != "stream ended") continue;
    EXPECT_STREQ(json["request_id"].GetString(), "a\"b");
  }

  std::filesystem::rename(file, file + ".1");
  daemon.signal(SIGHUP);
  EXPECT_TRUE(eventually([&] { return words().find("reload") != std::string::npos; })) << "the new file";
  EXPECT_EQ(daemon.stop(), 0);
}

TEST(Monitor, ShowsStreamsToThisMachineAlone) {
  const std::string address = address_of_this_machine();
  if (address.empty()) GTEST_SKIP() << "no address but loopback";
  DaemonProcess daemon({"--metrics-addr", ":0"});
  ASSERT_TRUE(daemon.logs("metrics on port ")) << daemon.log();
  const int port = daemon.monitor_port();
  EXPECT_THAT(http_get(port, "/streams"), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(http_get(port, "/streams", address), StartsWith("HTTP/1.1 403 Forbidden\r\n"));
  EXPECT_THAT(http_get(port, "/readyz", address), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST(Monitor, ListensWhereItIsToldToAndNowhereElse) {
  for (const char* address : {":0", "localhost:0"}) {
    DaemonProcess daemon({"--metrics-addr", address});
    EXPECT_TRUE(daemon.logs("metrics on port ")) << address << daemon.log();
    EXPECT_EQ(daemon.stop(), 0);
  }
  DaemonProcess without({"--metrics-addr", "127.0.0.1:0"}, [] { setenv("DAEMON_METRICS_ENABLED", "false", 1); });
  ASSERT_TRUE(without.ready()) << without.log();
  read_to_end(without.hand_client_over("{}").get());
  EXPECT_EQ(without.stop(), 0);
  EXPECT_THAT(without.log(), Not(HasSubstr("metrics on port")));
}

// Reads handoff-top's lines up to one with this beginning; false if the program has ended before.
bool prints_line(FILE* top, std::string_view beginning) {
  char line[4096];
  while (std::fgets(line, sizeof line, top) != nullptr) {
    if (std::string_view(line).starts_with(beginning)) return true;
  }
  return false;
}

TEST(HandoffTop, GoesOnWhileTheDaemonIsRestarted) {
  std::optional<DaemonProcess> daemon(std::in_place, std::vector<std::string>{"--metrics-addr", "127.0.0.1:0"});
  const std::string port = std::to_string(daemon->monitor_port());
  FILE* top = popen(("'" HANDOFF_TOP "' --json --interval 0.1 --url 127.0.0.1:" + port + " 2>&1").c_str(), "re");
  EXPECT_TRUE(prints_line(top, "{"));
  EXPECT_EQ(daemon->stop(), 0);
  EXPECT_TRUE(prints_line(top, "handoff-top: http://127.0.0.1:" + port + "/metrics: "));
  daemon.emplace(std::vector<std::string>{"--metrics", port});
  EXPECT_TRUE(prints_line(top, "{"));
  pclose(top);  // it ends when its output is closed
}

TEST(Monitor, GivesItsPortToTheNextDaemon) {
  DaemonProcess first({"--metrics-addr", "127.0.0.1:0"});
  ASSERT_TRUE(first.logs("metrics on port ")) << first.log();
  const std::string log = first.log();
  const std::string port = std::to_string(std::atoi(log.c_str() + log.find("metrics on port ") + 16));
  DaemonProcess second({"--metrics", port});
  EXPECT_TRUE(second.logs("cannot serve metrics on 127.0.0.1:" + port)) << second.log();
  EXPECT_EQ(first.stop(), 0);
  EXPECT_TRUE(second.logs("metrics on port " + port));
  EXPECT_EQ(second.stop(), 0);
}

}  // namespace
}  // namespace streaming
