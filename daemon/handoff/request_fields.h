// SPDX-License-Identifier: Apache-2.0
// Reads the fields of a payload, by name and type, into its HandoffRequest. Passes over the members once, whatever
// their number. Pure.

#pragma once

#include "base/result.h"
#include "handoff/handoff_request.h"

namespace streaming {

// `request.json` is an object. A field that is null counts as absent; one with an unknown name is ignored. The Error's
// message is for the client and names the field.
Status read_fields(HandoffRequest& request);

}  // namespace streaming
