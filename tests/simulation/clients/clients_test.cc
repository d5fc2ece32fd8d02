// SPDX-License-Identifier: Apache-2.0
// The clients of the simulated world: that they notice what no client should get.

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <vector>

#include "base/buffer.h"
#include "simulation/clients/answer_ledger.h"
#include "simulation/clients/client_tls.h"
#include "simulation/clients/http_response.h"
#include "simulation/clients/received_answer.h"
#include "simulation/clients/visits.h"
#include "tls/tls_connection.h"

namespace streaming::simulation {
namespace {

using End = ReceivedAnswer::End;

TEST(ReceivedAnswer, HasTheTextAndTheEndOfEachFormat) {
  const ReceivedAnswer content =
      read_answer(":\n\ndata: {\"content\":\"a\"}\n\n: ping\n\ndata: {\"content\":\"b\"}\n\ndata: [DONE]\n\n", {});
  EXPECT_EQ(content.problem, "");
  EXPECT_EQ(content.text, "ab");
  EXPECT_EQ(content.end, End::kDone);
  const ReceivedAnswer error = read_answer(
      ":\n\nid: error\nretry: 30000\ndata: {\"error\":\"The answer broke off.\",\"code\":\"upstream_truncated\"}\n\n",
      {});
  EXPECT_EQ(error.problem, "");
  EXPECT_EQ(error.end, End::kError);
  EXPECT_EQ(error.error_code, "upstream_truncated");
  const ReceivedAnswer message = read_answer(
      ":\n\ndata: {\"type\":\"start\",\"messageId\":\"m\"}\n\ndata: {\"type\":\"start-step\"}\n\n"
      "data: {\"type\":\"text-start\",\"id\":\"1\"}\n\ndata: {\"type\":\"text-delta\",\"id\":\"1\",\"delta\":\"a\"}\n\n"
      "data: {\"type\":\"text-end\",\"id\":\"1\"}\n\ndata: {\"type\":\"finish-step\"}\n\n"
      "data: {\"type\":\"finish\",\"finishReason\":\"stop\"}\n\ndata: [DONE]\n\n",
      {.format = AnswerFormat::kUiMessage});
  EXPECT_EQ(message.problem, "");
  EXPECT_EQ(message.text, "a");
  EXPECT_EQ(message.end, End::kDone);
}

TEST(ReceivedAnswer, KnowsWhatNoClientShouldGet) {
  for (const std::string body : {
           "data: {\"content\":\"a\"}\n\n",                             // no comment behind the head
           ":\n\nHTTP/1.1 200 OK\n\n",                                  // a second head
           ":\n\ndata: [DONE]\n\ndata: {\"content\":\"a\"}\n\n",        // an event behind the end
           ":\n\ndata: [DONE]\n\ndata",                                 // bytes behind it
           ":\n\nevent: done\nid: done\ndata: {}\n\ndata: [DONE]\n\n",  // which was not asked for
           ":\n\nid: 1\ndata: {\"content\":\"a\"}\n\n",                 // of an answer that is not kept
           ":\n\ndata: {\"content\":\"\xC3\"}\n\n",
           ":\n\ndata: {\"content\":\"\\ud800\"}\n\n",
           ":\n\ndata: {\"content\":\"a\"}\r\n\n",
           ":\n\ndata: {\"content\":\"a\n\n",
           ":\n\n\n\n",
       }) {
    EXPECT_NE(read_answer(body, {}).problem, "") << body;
  }
  EXPECT_EQ(read_answer(":\n\nid: 3\ndata: {\"content\":\"a\"}\n\n", {.is_kept = true, .after = 2}).problem, "");
  EXPECT_NE(read_answer(":\n\nid: 3\ndata: {\"content\":\"a\"}\n\n", {.is_kept = true, .after = 1}).problem, "");
}

TEST(HttpResponse, IsReadHoweverItIsCut) {
  const std::string whole =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n:\n\n\r\n10\r\ndata: 0123456789\r\n0\r\n\r\n";
  for (std::size_t bytes = 0; bytes <= whole.size(); ++bytes) {
    const HttpResponse response = read_http_response(whole.substr(0, bytes));
    EXPECT_EQ(response.problem, "") << bytes;
    EXPECT_EQ(response.is_whole, bytes == whole.size()) << bytes;
  }
  EXPECT_EQ(read_http_response(whole).body, ":\n\ndata: 0123456789");
  EXPECT_NE(read_http_response(whole + "HTTP/1.1 200 OK\r\n").problem, "");
  EXPECT_NE(read_http_response("HTTP/1.1 503 Busy\r\nContent-Length: 1\r\n\r\nab").problem, "");
}

TEST(AnswerLedger, FindsClientsWithOtherBytes) {
  const auto received = [](std::vector<std::string> events, End end) {
    ReceivedAnswer answer;
    answer.events = std::move(events);
    answer.end = end;
    if (end == End::kDone) answer.end_bytes = "the end";
    return answer;
  };
  AnswerLedger ledger;
  ledger.add(0, received({"1", "2", "3"}, End::kDone));
  ledger.add(0, received({"1", "2"}, End::kNone));
  ledger.add(2, received({"3"}, End::kDone));
  EXPECT_EQ(ledger.answers(), 1u);
  ledger.add(2, received({"x"}, End::kNone));
  EXPECT_EQ(ledger.answers(), 2u);
  EXPECT_EQ(ledger.difference(), "3and x");
  ledger.add(1, received({"2"}, End::kDone));  // has lost an event
  EXPECT_EQ(ledger.answers(), 3u);
}

TEST(AnswerLedger, FindsAnEventByItsIdUnlessThereAreSeveralAnswers) {
  ReceivedAnswer received;
  received.events = {"id: 7\ndata: a\n\n", "event: x\nid: 9\ndata: id: 8\n\n"};
  AnswerLedger ledger;
  EXPECT_EQ(ledger.number_of("7"), std::nullopt);
  ledger.add(0, received);
  EXPECT_EQ(ledger.number_of("9"), 2u);
  EXPECT_EQ(ledger.number_of("8"), std::nullopt);
  received.events.pop_back();
  received.events.front() = "id: 7\ndata: b\n\n";
  ledger.add(0, received);
  EXPECT_EQ(ledger.number_of("7"), std::nullopt);
}

// Of all versions and AEADs.
TEST(ClientTls, OpensWhatTheDaemonSealsAndKnowsARecordThatIsMissingOrComesTwice) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    Random random(seed);
    const Random same = random;
    TlsCiphers ciphers;
    ClientTls client(random);
    TlsConnection daemon(client.server_state());
    const auto sealed = [&](std::string_view text) {
      Buffer records;
      EXPECT_EQ(daemon.seal(ciphers, text, records), TlsConnection::Sealing::kDone);
      return std::string(records.view());
    };
    if (client.may_run_out_of_records()) continue;
    std::string kept;
    for (int i = 0; i < 12; ++i) {  // beyond a key's last record, perhaps
      const std::string records = sealed("text");
      if (i == 0) kept = records;
      EXPECT_EQ(client.open(records), "text") << client.problem();
    }
    if (client.is_13()) {
      std::string update = client.update_keys(true);
      EXPECT_EQ(daemon.receive(ciphers, update), TlsConnection::Received::kNothing);
      EXPECT_EQ(client.open(sealed("more")), "more") << client.problem();
    }
    EXPECT_EQ(client.problem(), "");
    client.open(kept);
    EXPECT_NE(client.problem(), "") << "a record twice";

    Random again = same;
    ClientTls other(again);
    TlsConnection loses(other.server_state());
    Buffer lost, late;
    ASSERT_EQ(loses.seal(ciphers, "lost", lost), TlsConnection::Sealing::kDone);
    ASSERT_EQ(loses.seal(ciphers, "late", late), TlsConnection::Sealing::kDone);
    EXPECT_EQ(other.open(late.view()), "");
    EXPECT_NE(other.problem(), "") << "a record is missing";
  }
}

// Connections that note what goes over them. Nobody is at the other end.
struct Notes final : HandoffConnection, Connection {
  void send(std::string_view bytes, std::vector<HandedFile> files) override {
    all += bytes;
    for (const HandedFile& file : files) {
      all += std::to_string(static_cast<int>(file.kind)) + file.contents;
      if (file.peer != nullptr) file.peer->on_open(*this);
    }
  }
  void forget_files() override { all += "forget"; }
  void send(std::string_view bytes) override { all += bytes; }
  void shutdown_write() override { all += "shut"; }
  void close() override { all += "close"; }
  void reset() override { all += "reset"; }
  void set_reading(bool) override { all += "reading"; }

  std::string all;
};

struct Works final : Schedule {
  Time now() const override { return Time(Duration(0)); }
  void after(Duration, std::function<void()> work) override { works.push_back(std::move(work)); }
  std::deque<std::function<void()>> works;
};

std::string visits_of(std::uint64_t seed) {
  Works works;
  Visits visits({}, Random(seed), works);
  Notes notes;
  for (int i = 0; i < 100; ++i) {
    visits.arrive().on_open(notes);
    for (int works_done = 0; works_done < 20 && !works.works.empty(); ++works_done) {
      const auto work = std::move(works.works.front());
      works.works.pop_front();
      work();
    }
  }
  return notes.all;
}

TEST(Visits, AreTheSameOfTheSameSeed) {
  const std::string one = visits_of(7);
  EXPECT_EQ(one, visits_of(7));
  EXPECT_NE(one, visits_of(8));
}

TEST(Visits, FindNothingWrongWithADaemonThatNobodyHasReached) {
  Works works;
  Visits visits({}, Random(1), works);
  for (int i = 0; i < 1'000; ++i) visits.arrive().on_refused();
  EXPECT_FALSE(visits.somebody_waits());
  EXPECT_EQ(visits.violations(), std::vector<std::string>());
  EXPECT_EQ(visits.outcomes().at("no client"), 1'000u);
}

}  // namespace
}  // namespace streaming::simulation
