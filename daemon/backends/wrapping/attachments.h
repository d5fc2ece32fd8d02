// SPDX-License-Identifier: Apache-2.0
// The files that a hand-off names, and the request that holds them in place of their names. Pure.

#pragma once

#include <rapidjson/document.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "handoff/handoff_request.h"

namespace streaming {

struct Attachment {
  enum class Kind : std::uint8_t { kAny, kText, kImage, kPdf };

  std::string name;        // as placeholders and messages name it
  std::string path = {};   // beneath data_dir; empty: an image in the payload
  Kind kind = Kind::kAny;  // as the hand-off names it; kAny: its contents decide
  std::size_t uses = 0;    // placeholders that ask for it; 0: it belongs to the user's last message
  bool before = false;     // before that message's text, and not behind it
  std::string text = {};   // of a text
  std::string url = {};    // of an image or a PDF, with all its contents: "data:image/png;base64,..."
  std::string_view base64 = {};  // of an image of the payload: its contents, which the request has

  bool is_file() const { return !path.empty(); }
};

// Whether the hand-off has anything in these fields: only then find_attachments() finds anything.
bool asks_for_attachments(const HandoffRequest& request);

// What `attachments`, `images` and the other fields of images ask for, each name once, the files first; empty if they
// ask for nothing. Borrows of the request. The Error's message is for the client.
Result<std::vector<Attachment>> find_attachments(const HandoffRequest& request, const Config& config);

// The bytes of the images in the payload.
std::size_t bytes_in_payload(const std::vector<Attachment>& attachments);

// What the client gets to read: "attachment "a.txt" WHAT", with a name that can neither flood nor forge a log.
std::string message_about(const Attachment& attachment, std::string_view what);

// Gives the attachment its contents. The Error's message is for the client and names the attachment.
Status take_contents(Attachment& attachment, std::string contents);

// Puts the attachments among the request's messages, as OpenAI's API wants them there; others translate.
void add_attachments(HandoffRequest& request, std::vector<Attachment> attachments);

}  // namespace streaming
