#include "backends/attachments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "base/json_input.h"

namespace streaming {
namespace {

using testing::HasSubstr;

const std::string kPng = std::string("\x89PNG\r\n\x1A\n", 8) + "pixels";
const std::string kPngUrl = "data:image/png;base64,iVBORw0KGgpwaXhlbHM=";

class AttachmentsTest : public testing::Test {
 protected:
  AttachmentsTest() { config.attachments_data_dir = "/srv/attachments"; }

  const HandoffRequest& parse(const std::string& payload) {
    text = payload;
    text.append(kJsonPadding, '\0');
    Result<HandoffRequest> parsed = parser.parse({text.data(), payload.size()});
    EXPECT_TRUE(parsed.ok()) << payload;
    request = std::move(*parsed);
    return request;
  }
  std::string mistake(const std::string& payload) {
    const auto found = find_attachments(parse(payload), config);
    return found.ok() ? "" : found.error().message;
  }
  // The messages, as JSON, with these contents of the attachments in turn.
  std::string messages(const std::string& payload, const std::vector<std::string>& contents) {
    auto found = find_attachments(parse(payload), config);
    EXPECT_TRUE(found.ok()) << found.error().message;
    EXPECT_EQ(found->size(), contents.size());
    for (std::size_t i = 0; i < contents.size(); ++i) {
      const Status taken = take_contents((*found)[i], contents[i]);
      EXPECT_TRUE(taken.ok()) << taken.error().message;
    }
    const rapidjson::Document document = payload_with_attachments(request, *found);
    EXPECT_FALSE(document.HasMember("attachments") || document.HasMember("images"));
    rapidjson::StringBuffer buffer;
    rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
    document["messages"].Accept(writer);
    return buffer.GetString();
  }

  Config config;
  std::string text;
  HandoffRequestParser parser;
  HandoffRequest request;
};

TEST_F(AttachmentsTest, AreNoneWhereNoneAreNamed) {
  EXPECT_TRUE(find_attachments(parse(R"({"prompt":"hi"})"), config)->empty());
  EXPECT_TRUE(find_attachments(parse(R"({"attachments":[],"images":null})"), Config{})->empty());
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
  EXPECT_THAT(mistake(R"({"images":[{}]})"), HasSubstr("array of strings"));
  EXPECT_THAT(mistake(R"({"attachments":["a"],"attachment_types":[7]})"), HasSubstr("strings"));
  EXPECT_THAT(mistake(R"({"attachments":["/etc/passwd"]})"), HasSubstr("attachment \"/etc/passwd\""));
  EXPECT_THAT(mistake(R"({"attachments":["a\u0000b"]})"), HasSubstr("not a path"));
  EXPECT_THAT(mistake(R"({"attachments":[""]})"), HasSubstr("not a path"));
  config.attachments_data_dir.clear();
  EXPECT_THAT(mistake(R"({"images":["a"]})"), HasSubstr("no data_dir"));
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
