// SPDX-License-Identifier: Apache-2.0
#include "client/http2_head.h"

#include <gtest/gtest.h>

#include <string>

#include "client/http2_answer.h"
#include "support/http2_peer.h"

namespace streaming {
namespace {

// The client gets the answer.
void give(const std::string& text, Http2Peer& peer) {
  Http2Answer answer(peer.server_state());
  Buffer frames;
  EXPECT_EQ(answer.write(text, ClientConnection::End::kWhole, frames).done, text.size());
  peer.read(frames.view());
}

TEST(Http2Head, ReportsAnyStatus) {
  for (const char* status : {"200", "204", "403", "429", "503"}) {
    Http2Peer peer;
    give("HTTP/1.1 " + std::string(status) + " Some Reason\r\n\r\n", peer);
    EXPECT_EQ(peer.header(":status"), status);
    EXPECT_TRUE(peer.is_whole()) << peer.error();
    EXPECT_TRUE(peer.data_frames().empty()) << "a head without a body ends the stream itself";
  }
}

TEST(Http2Head, HasNamesInLowerCaseAndNoSpacesAroundValues) {
  Http2Peer peer;
  give("HTTP/1.1 200 OK\r\nX-One: \t one two \t\r\nX-Empty:\r\nX-Spaces:   \r\n\r\n", peer);
  EXPECT_EQ(peer.header("x-one"), "one two");
  EXPECT_EQ(peer.error(), "");
  EXPECT_TRUE(peer.is_whole());
}

TEST(Http2Head, LeavesOutWhatConcernsAConnectionOfHttp1) {
  Http2Peer peer;
  give("HTTP/1.1 200 OK\r\nConnection: close\r\nkeep-alive: 5\r\nProxy-Connection: x\r\n"
       "Transfer-Encoding: chunked\r\nUPGRADE: h2c\r\nX-Last: 1\r\n\r\n", peer);
  EXPECT_TRUE(peer.is_whole()) << peer.error();
  EXPECT_EQ(peer.header("x-last"), "1");
}

TEST(Http2Head, ContinuesALongOneInFurtherFrames) {
  for (const std::size_t length : {100u, 126u, 127u, 128u, 254u, 255u, 256u, 16'300u, 16'384u, 40'000u}) {
    const std::string value(length, 'v');
    Http2Peer peer;
    give("HTTP/1.1 200 OK\r\nX-Long: " + value + "\r\n\r\nbody", peer);
    EXPECT_EQ(peer.header("x-long"), value) << peer.error();
    EXPECT_TRUE(peer.is_whole()) << length << peer.error();
  }
}

TEST(Http2Head, AddsNothingToTheClientsTableAndBeginsByEmptyingIt) {
  Buffer block;
  const std::string_view head = "HTTP/1.1 200 OK\r\nA: b\r\n\r\n";
  EXPECT_EQ(append_header_block(head, block), head.size());
  EXPECT_EQ(block.view(), std::string_view("\x20\x88\x00\x01" "a\x01" "b", 7));
}

}  // namespace
}  // namespace streaming
