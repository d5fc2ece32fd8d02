// SPDX-License-Identifier: Apache-2.0
#include "backends/limits.h"
#include "backends/wrapping/attachments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "backends/anthropic/messages_request.h"
#include "backends/openai/chat_completion_request.h"
#include "backends/openai/responses_request.h"
#include "backends/wrapping/placeholders.h"
#include "support/parsed_payload.h"

namespace streaming {
namespace {

using testing::HasSubstr;

const std::string kPng = std::string("\x89PNG\r\n\x1A\n", 8) + "pixels";
const std::string kPngUrl = "data:image/png;base64,iVBORw0KGgpwaXhlbHM=";

class AttachmentsTest : public testing::Test {
 protected:
  AttachmentsTest() { config.attachments_data_dir = "/srv/attachments"; }

  std::string mistake(const std::string& payload) {
    const auto found = find_attachments(*parsed(payload), config);
    return found.ok() ? "" : found.error().message;
  }
  // The messages as JSON, with these contents of the attachments in their order. `in_payload`: the number of
  // attachments whose contents are in the payload.
  std::string messages(const std::string& payload, const std::vector<std::string>& contents,
                       std::size_t in_payload = 0) {
    const std::unique_ptr<HandoffRequest> request = parsed(payload);
    auto found = find_attachments(*request, config);
    EXPECT_TRUE(found.ok()) << found.error().message;
    EXPECT_EQ(found->size(), contents.size() + in_payload);
    for (std::size_t i = 0; i < contents.size(); ++i) {
      const Status taken = take_contents((*found)[i], contents[i]);
      EXPECT_TRUE(taken.ok()) << taken.error().message;
    }
    add_attachments(*request, std::move(*found));
    rapidjson::StringBuffer buffer;
    rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
    request->messages->Accept(writer);
    return buffer.GetString();
  }

  Config config;
};

TEST_F(AttachmentsTest, AreNoneWhereNoneAreNamed) {
  EXPECT_TRUE(find_attachments(*parsed(R"({"prompt":"hi"})"), config)->empty());
  EXPECT_TRUE(find_attachments(*parsed(R"({"attachments":[],"images":null})"), Config{})->empty());
}

TEST_F(AttachmentsTest, ATextStandsWhereItsPlaceholderIs) {
  EXPECT_EQ(messages(R"({"prompt":"Sum up {a.txt}, please. {b}{","attachments":["a.txt"]})", {"one\ntwo"}),
            R"([{"role":"user","content":"Sum up one\ntwo, please. {b}{"}])");
}

TEST_F(AttachmentsTest, ATextThatNothingAsksForStandsBehindThePrompt) {
  EXPECT_EQ(messages(R"({"prompt":"Sum up","attachments":["sub/a.txt"]})", {"one"}),
            R"([{"role":"user","content":"Sum up\n\nsub/a.txt:\none"}])");
}

TEST_F(AttachmentsTest, AnImageIsAPartOfTheMessage) {
  EXPECT_EQ(messages(R"({"prompt":"Before {x} behind","images":["x"]})", {kPng}),
            R"([{"role":"user","content":[{"type":"text","text":"Before "},{"type":"image_url","image_url":{"url":")" +
                kPngUrl + R"("}},{"type":"text","text":" behind"}]}])");
  EXPECT_EQ(
      messages(R"({"prompt":"What is it?","attachments":["x"]})", {kPng}),
      R"([{"role":"user","content":[{"type":"text","text":"What is it?"},{"type":"image_url","image_url":{"url":")" +
          kPngUrl + R"("}}]}])")
      << "seen by its contents";
}

TEST_F(AttachmentsTest, APdfIsAFile) {
  EXPECT_EQ(messages(R"({"attachments":["a.pdf"],"attachment_types":{"a.pdf":"application/pdf"}})", {"%PDF-1"}),
            R"([{"role":"user","content":[{"type":"file","file":{"filename":"a.pdf","file_data":)"
            R"("data:application/pdf;base64,JVBERi0x"}}]}])");
}

TEST_F(AttachmentsTest, AConversationIsKeptAndItsLastMessageOfTheUserGetsTheRest) {
  EXPECT_EQ(messages(R"({"messages":[{"role":"system","content":"{a}"},{"role":"user","content":"see {a}","name":"n"},)"
                     R"({"role":"assistant","content":"{a}"},)"
                     R"({"role":"user","content":[{"type":"text","text":"and {a}"},{"type":"x","y":1}]}],)"
                     R"("attachments":["a"],"images":["i"]})",
                     {"A", kPng}),
            R"([{"role":"system","content":"{a}"},{"role":"user","content":"see A","name":"n"},)"
            R"({"role":"assistant","content":"{a}"},)"
            R"({"role":"user","content":[{"type":"text","text":"and A"},{"type":"x","y":1},)"
            R"({"type":"image_url","image_url":{"url":")" +
                kPngUrl + R"("}}]}])");
}

TEST_F(AttachmentsTest, PlaceholdersInAttachmentsStayWhatTheyAre) {
  EXPECT_EQ(messages(R"({"prompt":"{a} {b}","attachments":["a","b"]})", {"{b}", "B"}),
            R"([{"role":"user","content":"{b} B"}])");
}

TEST_F(AttachmentsTest, AreRefusedWhereTheyCannotBeWhatIsAskedFor) {
  config.attachments_max_files = 2;
  EXPECT_THAT(mistake(R"({"attachments":["a","b","c"]})"), HasSubstr("more than 2"));
  EXPECT_THAT(mistake(R"({"attachments":[7]})"), HasSubstr("array of strings"));
  EXPECT_THAT(mistake(R"({"images":[7]})"), HasSubstr("array of paths, or of objects"));
  EXPECT_THAT(mistake(R"({"attachments":["a"],"attachment_types":[7]})"), HasSubstr("strings"));
  EXPECT_THAT(mistake(R"({"attachments":["/etc/passwd"]})"), HasSubstr("attachment \"/etc/passwd\""));
  EXPECT_THAT(mistake(R"({"attachments":["a\u0000b"]})"), HasSubstr("not a path"));
  EXPECT_THAT(mistake(R"({"attachments":[""]})"), HasSubstr("not a path"));
  config.attachments_data_dir.clear();
  EXPECT_THAT(mistake(R"({"images":["a"]})"), HasSubstr("no data_dir"));
}

// If the names were looked up first, this would take a long time.
TEST_F(AttachmentsTest, AreCountedBeforeTheirNamesAreLookedUp) {
  std::string names, types;
  for (int i = 0; i < 20'000; ++i) {
    names += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\"";
    types += (i == 0 ? "\"t" : ",\"t") + std::to_string(i) + "\":\"text/plain\"";
  }
  const std::string payload = "{\"attachments\":[" + names + "],\"attachment_types\":{" + types + "}}";
  EXPECT_THAT(mistake(payload), HasSubstr("more than 16"));
  EXPECT_THAT(mistake("{\"images\":[" + names + "]}"), HasSubstr("more than 16"));
  config.attachments_data_dir.clear();
  EXPECT_THAT(mistake(payload), HasSubstr("no data_dir"));
}

TEST_F(AttachmentsTest, MayBeAskedForInABoundedNumberOfPlaces) {
  const auto prompt = [](std::size_t places) {
    std::string payload = "{\"attachments\":[\"a\"],\"prompt\":\"";
    for (std::size_t i = 0; i < places; ++i) payload += "{a}";
    return payload + "\"}";
  };
  EXPECT_EQ(mistake(prompt(kMaxAttachmentUses)), "");
  EXPECT_THAT(mistake(prompt(kMaxAttachmentUses + 1)), HasSubstr("more than 1000 places"));
  EXPECT_EQ(find_attachments(*parsed(R"({"messages":[{"role":"user","content":"{a}{a}"},{"role":"assistant",)"
                                   R"("content":"{a}"}],"attachments":["a"]})"),
                             config)
                ->front()
                .uses,
            2u);
}

TEST_F(AttachmentsTest, ANameThatIsListedTwiceIsOneAttachment) {
  EXPECT_EQ(messages(R"({"prompt":"see {a}","attachments":["a","a"],"images":["a"]})", {kPng}),
            R"([{"role":"user","content":[{"type":"text","text":"see "},{"type":"image_url","image_url":{"url":")" +
                kPngUrl + R"("}}]}])");
}

TEST_F(AttachmentsTest, TypesMayStandInTheSameOrderOrByName) {
  for (const char* types : {R"(["text/plain","image/png"])", R"({"b":"image/png","c":7,"a":"text/plain"})"}) {
    const auto found = find_attachments(
        *parsed(R"({"attachments":["a","b"],"attachment_types":)" + std::string(types) + "}"), config);
    ASSERT_TRUE(found.ok());
    EXPECT_EQ((*found)[0].kind, Attachment::Kind::kText);
    EXPECT_EQ((*found)[1].kind, Attachment::Kind::kImage);
  }
}

TEST_F(AttachmentsTest, AreNamedToClientsWithoutWhatForgesOrFloodsALog) {
  EXPECT_EQ(mistake(R"({"attachments":["/a\nb\u202ec\u009bd\u00e9"]})"),
            "attachment \"/a\\u000ab\\u202ec\\u009bd\xC3\xA9\" is not a path beneath data_dir");
  const std::string told = mistake(R"({"attachments":["/)" + std::string(100'000, 'x') + "\"]}");
  EXPECT_LT(told.size(), 200u);
  EXPECT_THAT(told, HasSubstr("xxx...\" is not a path"));
}

TEST_F(AttachmentsTest, WithoutAPromptAreAllThatTheUserSays) {
  EXPECT_EQ(messages(R"({"attachments":["a.txt"]})", {"one"}),
            R"([{"role":"user","content":"\n\na.txt:\none"}])");
}

// --- Those of other daemons -----------------------------------------------------------------------------------------

std::string image_part(const std::string& url = kPngUrl) {
  return R"({"type":"image_url","image_url":{"url":")" + url + "\"}}";
}

TEST_F(AttachmentsTest, AnObjectNamesThePlaceholdersOfItsFiles) {
  EXPECT_EQ(messages(R"({"prompt":"Sum up {doc} {a.txt}","attachments":{"doc":"sub/a.txt"}})", {"one"}),
            R"([{"role":"user","content":"Sum up one {a.txt}"}])");
  EXPECT_EQ(find_attachments(*parsed(R"({"attachments":{"doc":"sub/a.txt"}})"), config)->front().path, "sub/a.txt");
  EXPECT_EQ(messages(R"({"prompt":"Which?","attachments":{"doc":"a.txt","pic":"b.png"},)"
                     R"("attachment_types":{"pic":"image/png"}})",
                     {"one", kPng}),
            R"([{"role":"user","content":[{"type":"text","text":"doc:\none\n\n"},)" + image_part() +
                R"(,{"type":"text","text":"Which?"}]}])")
      << "what no placeholder asks for stands before the text";
  EXPECT_EQ(messages(R"({"attachments":{"doc":"sub/a.pdf"}})", {"%PDF-1"}),
            R"([{"role":"user","content":[{"type":"file","file":{"filename":"sub/a.pdf","file_data":)"
            R"("data:application/pdf;base64,JVBERi0x"}}]}])");
}

TEST_F(AttachmentsTest, ImagesOfThePayloadStandBeforeTheText) {
  const std::string expected =
      R"([{"role":"user","content":[)" + image_part() + R"(,{"type":"text","text":"What is it?"}]}])";
  const std::string base64 = R"("iVBORw0KGgpwaXhlbHM=")";
  for (const std::string& fields :
       {R"("images":[{"base64":)" + base64 + R"(,"mime_type":"image/png"}])", R"("images":[{"base64":)" + base64 + "}]",
        R"("image_base64":)" + base64, R"("image_mime_type":"image/jpeg","image_base64":)" + base64}) {
    EXPECT_EQ(messages(R"({"prompt":"What is it?",)" + fields + "}", {}, 1), expected) << fields;
  }
  config.attachments_data_dir.clear();
  EXPECT_EQ(messages(R"({"prompt":"What is it?","image_base64":)" + base64 + "}", {}, 1), expected) << "no file is read";
}

TEST_F(AttachmentsTest, ImagesOfOtherFieldsAreFilesAndStandBeforeTheText) {
  EXPECT_EQ(messages(R"({"prompt":"Which?","images":["d.png"],"image_paths":["a.png","b.png"],"image_path":"c.png"})",
                     {kPng, kPng, kPng, kPng}),
            R"([{"role":"user","content":[)" + image_part() + "," + image_part() + "," + image_part() +
                R"(,{"type":"text","text":"Which?"},)" + image_part() + "]}]");
}

TEST_F(AttachmentsTest, OfOtherDaemonsAreRefusedWhereTheyCannotBeWhatIsAskedFor) {
  EXPECT_THAT(mistake(R"({"attachments":{"a":"../../etc/passwd","b":"/etc/passwd"}})"), HasSubstr("\"b\" is not a path"));
  EXPECT_THAT(mistake(R"({"attachments":{"a":7}})"), HasSubstr("a path for each name"));
  EXPECT_THAT(mistake(R"({"attachments":{"":"a"}})"), HasSubstr("is not a path"));
  EXPECT_THAT(mistake(R"({"attachments":{"a":"b"},"images":["a"]})"), HasSubstr("\"a\" is the name of two files"));
  EXPECT_THAT(mistake(R"({"attachments":{"a":"b"},"attachment_types":["image/png"]})"), HasSubstr("must be an object"));
  EXPECT_EQ(mistake(R"({"attachments":{"a":"b"},"attachment_types":[]})"), "");
  EXPECT_THAT(mistake(R"({"image_path":"/etc/passwd"})"), HasSubstr("not a path"));
  EXPECT_THAT(mistake(R"({"image_paths":[{}]})"), HasSubstr("image_paths must be an array of strings"));
  EXPECT_THAT(mistake(R"({"image_base64":"iVBORw0KGgpwaXhlbHM"})"), HasSubstr("\"image_base64\" is not base64"));
  EXPECT_THAT(mistake(R"({"images":[{"base64":"aGVsbG8="}]})"), HasSubstr("\"images[0]\" is no PNG"));
  EXPECT_THAT(mistake(R"({"images":[{}]})"), HasSubstr("is no PNG"));
  EXPECT_THAT(mistake(R"({"image_base64":"iVBORw0KGgpwaXhlbHM=","image_mime_type":"text/html"})"),
              HasSubstr("no image's"));
  config.attachments_max_file_bytes = 14;
  EXPECT_EQ(mistake(R"({"image_base64":"iVBORw0KGgpwaXhlbHM="})"), "");
  config.attachments_max_file_bytes = 13;
  EXPECT_THAT(mistake(R"({"image_base64":"iVBORw0KGgpwaXhlbHM="})"), HasSubstr("too large"));
  config.attachments_max_file_bytes = 100;
  config.attachments_max_total_bytes = 20;
  EXPECT_THAT(mistake(R"({"image_base64":"iVBORw0KGgpwaXhlbHM=","images":[{"base64":"iVBORw0KGgpwaXhlbHM="}]})"),
              HasSubstr("larger than 20 bytes together"));
  config.attachments_max_files = 1;
  EXPECT_THAT(mistake(R"({"image_base64":"iVBORw0KGgpwaXhlbHM=","image_path":"a"})"), HasSubstr("more than 1"));
  config.attachments_data_dir.clear();
  EXPECT_THAT(mistake(R"({"image_path":"a"})"), HasSubstr("no data_dir"));
}

TEST_F(AttachmentsTest, AnImageOfThePayloadReachesEachApi) {
  const std::unique_ptr<HandoffRequest> request =
      parsed(R"({"prompt":"What is it?","image_base64":"iVBORw0KGgpwaXhlbHM="})");
  add_attachments(*request, *find_attachments(*request, config));
  EXPECT_THAT(chat_completion_request(*request, "m"), HasSubstr(image_part() + R"(,{"type":"text","text":"What)"));
  EXPECT_THAT(responses_request(*request, "m"),
              HasSubstr(R"({"type":"input_image","image_url":")" + kPngUrl + R"("},{"type":"input_text","text":"What)"));
  EXPECT_THAT(messages_request(*request, "m", 100),
              HasSubstr(R"({"type":"image","source":{"type":"base64","media_type":"image/png",)"
                        R"("data":"iVBORw0KGgpwaXhlbHM="}},{"type":"text","text":"What)"));
}

TEST(Placeholders, AreLookedForInEachByteOnce) {
  PlaceholderNames names;
  names.add("a");
  names.add("b{c");
  for (const std::string& text : {std::string(200'000, '{'), std::string(200'000, '}'),
                                  std::string(100'000, '{') + std::string(100'000, '}'),
                                  std::string("{a}{b{c}{{a}}{")}) {
    std::string rest;
    int places = 0;
    split_at_placeholders(text, names, [&](std::string_view between) { rest += between; },
                          [&](std::size_t index) { places += index == 0; });
    EXPECT_EQ(rest.size() + 3 * static_cast<std::size_t>(places), text.size());
    EXPECT_EQ(places, text.size() < 100 ? 2 : 0);
  }
}

TEST_F(AttachmentsTest, ContentsMustBeWhatTheyAreSaidToBe) {
  const auto mistake_of = [](Attachment::Kind kind, const std::string& contents) {
    Attachment attachment{.name = "x", .kind = kind};
    const Status taken = take_contents(attachment, contents);
    return taken.ok() ? "" : taken.error().message;
  };
  EXPECT_EQ(mistake_of(Attachment::Kind::kImage, "text"), "attachment \"x\" is no PNG, JPEG, GIF or WebP");
  EXPECT_EQ(mistake_of(Attachment::Kind::kPdf, kPng), "attachment \"x\" is no PDF");
  EXPECT_THAT(mistake_of(Attachment::Kind::kAny, "caf\xE9"), HasSubstr("neither text in UTF-8"));
  EXPECT_THAT(mistake_of(Attachment::Kind::kText, std::string(1, '\0')), HasSubstr("neither text in UTF-8"));
  EXPECT_EQ(mistake_of(Attachment::Kind::kImage, "\xFF\xD8\xFFx"), "");
  EXPECT_EQ(mistake_of(Attachment::Kind::kImage, "GIF89ax"), "");
  EXPECT_EQ(mistake_of(Attachment::Kind::kImage, "RIFF1234WEBPx"), "");
}

}  // namespace
}  // namespace streaming
