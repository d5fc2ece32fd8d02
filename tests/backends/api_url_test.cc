// SPDX-License-Identifier: Apache-2.0
#include "backends/api_url.h"

#include <gtest/gtest.h>

namespace streaming {
namespace {

TEST(ApiUrl, PutsThePathBehindTheBase) {
  EXPECT_EQ(api_url("http://localhost:1234/v1", "/chat", "m"), "http://localhost:1234/v1/chat");
  EXPECT_EQ(api_url("http://localhost:1234/v1//", "/chat", "m"), "http://localhost:1234/v1/chat");
}

TEST(ApiUrl, KeepsTheQueryBehindThePathAndNamesTheDeployment) {
  EXPECT_EQ(api_url("https://x.openai.azure.com/openai/deployments/{model}?api-version=2024-10-21", "/chat/completions",
                    "gpt 4/ö"),
            "https://x.openai.azure.com/openai/deployments/gpt%204%2F%C3%B6/chat/completions?api-version=2024-10-21");
}

TEST(ApiUrl, RefusesAModelThatWouldLeadElsewhere) {
  constexpr char kBase[] = "https://x.example/{model}/v1";
  for (const char* model : {".", ".."}) EXPECT_EQ(refuse_model(kBase, model).value().status, 400) << model;
  for (const char* model : {"...", "a/..", "%2e%2e", ""}) EXPECT_FALSE(refuse_model(kBase, model)) << model;
  EXPECT_FALSE(refuse_model("https://x.example/v1", ".."));
}

}  // namespace
}  // namespace streaming
