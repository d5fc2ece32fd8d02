// SPDX-License-Identifier: Apache-2.0
// The text of an answer that is stored as frames. Pure.

#pragma once

#include <string_view>

#include "answers/answer_record.h"
#include "sse/event_encoder.h"

namespace streaming {

// Adds the text and the reasoning of some whole frames in succession to the record. What is no frame of that format is
// passed over; so are an API's own events (`raw`), which only the reader of that API could read.
void read_stored_text(std::string_view frames, Format format, AnswerRecord& record);

}  // namespace streaming
