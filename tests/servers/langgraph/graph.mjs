// SPDX-License-Identifier: Apache-2.0
// The graph that the server runs: one node, whose model is LangChain's fake one. The user's last word chooses what it does.
import { ToolMessage } from "@langchain/core/messages";
import { FakeListChatModel } from "@langchain/core/utils/testing";
import { END, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";

const textOf = (message) =>
  typeof message.content === "string" ? message.content : message.content.map((block) => block.text).join("");

const stream = (answer, config, sleep = 0) =>
  new FakeListChatModel({ responses: [answer], sleep }).invoke([], config);

async function answer(state, config) {
  const said = state.messages.filter((message) => message.getType() === "human").map(textOf);
  const last = said.at(-1) ?? "";
  if (last === "fail") throw new Error("sk-secret of http://internal.example");
  if (last === "slowly") return { messages: [await stream("word ".repeat(1000), config, 20)] };
  if (last === "report") config.writer({ progress: 50 });
  if (last === "use a tool") {
    return { messages: [new ToolMessage({ content: "not for the reader", tool_call_id: "call_1" }), await stream("used", config)] };
  }
  return { messages: [await stream(`You said: ${said.join(", ")} é😀`, config)] };
}

export const graph = new StateGraph(MessagesAnnotation)
  .addNode("answer", answer)
  .addEdge(START, "answer")
  .addEdge("answer", END)
  .compile();
