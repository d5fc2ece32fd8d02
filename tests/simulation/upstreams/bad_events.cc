// SPDX-License-Identifier: Apache-2.0
#include "simulation/upstreams/api_writers.h"

namespace streaming::simulation {

BadEvent error_event(Api api, Random& random) {
  switch (api) {
    case Api::kChat:
      return random.pick({BadEvent{"", R"({"error":{"message":"overloaded","code":503}})"},
                          BadEvent{"error", R"({"message":"out of memory"})"}, BadEvent{"", R"({"error":"busy"})"},
                          BadEvent{"", R"({"choices":[{"index":0,"delta":{},"finish_reason":"error"}]})"},
                          BadEvent{"", R"({"choices":[{"index":0,"error":{"code":502},"finish_reason":null}]})"}});
    case Api::kResponses:
      return random.pick({BadEvent{"error", R"({"type":"error","code":"server_error","message":"no"})"},
                          BadEvent{"response.failed", R"({"type":"response.failed","response":{"error":{"code":"x"}}})"},
                          BadEvent{"", R"({"error":{"message":"busy"}})"}});
    case Api::kMessages:
      return random.pick({BadEvent{"error", R"({"type":"error","error":{"type":"overloaded_error","message":"no"}})"},
                          BadEvent{"", R"({"error":{"message":"busy"}})"}});
    case Api::kRun:
      break;
  }
  return random.pick({BadEvent{"error", R"({"error":"ValueError","message":"no"})"},
                      BadEvent{"error|child:1", R"({"error":"GraphRecursionError"})"}, BadEvent{"error", "no"}});
}

std::string broken_data(Api api, Random& random) {
  if (api == Api::kRun) return random.pick({"[{\"id\":", "[}", "no"});
  return random.pick({"{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hel", "no", "{\"type\":\"ping\"",
                      "{\"type\":\"ping\"}}", "{}{}"});
}

}  // namespace streaming::simulation
