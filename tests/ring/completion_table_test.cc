// SPDX-License-Identifier: Apache-2.0
#include "ring/completion_table.h"

#include <gtest/gtest.h>

namespace streaming {
namespace {

struct Owner {
  void on_sent(const Completion& completion) { sent += completion.result; }
  void on_closed(const Completion&) { ++closed; }
  int sent = 0, closed = 0;
};

struct Slot : Owner {
  explicit Slot(Handle new_handle) : handle(new_handle) {}
  Handle handle;
};

TEST(CompletionTable, HandsEachOperationToTheFunctionThatWasEnteredForIt) {
  Owner owner, other;
  CompletionTable table;
  table.enter<&Owner::on_sent>(Operation::kClientSend, owner);
  table.enter<&Owner::on_closed>(Operation::kClientClose, owner);
  table.enter<&Owner::on_sent>(Operation::kUpstreamSend, other);
  table.on_completion({.tag = {Operation::kClientSend, {}}, .result = 5, .buffer = {}});
  table.on_completion({.tag = {Operation::kClientClose, {}}, .buffer = {}});
  EXPECT_EQ(owner.sent, 5);
  EXPECT_EQ(owner.closed, 1);
  EXPECT_EQ(other.sent, 0);
}

TEST(CompletionTable, FindsTheObjectInTheSlotThatTheTagNames) {
  Slab<Slot> slab(2);
  Slot& first = *slab.create();
  Slot& second = *slab.create();
  CompletionTable table;
  table.enter_slots<&Slot::on_sent>(Operation::kClientSend, slab);
  table.on_completion({.tag = {Operation::kClientSend, second.handle}, .result = 7, .buffer = {}});
  EXPECT_EQ(first.sent, 0);
  EXPECT_EQ(second.sent, 7);
}

TEST(CompletionTableDeathTest, AbortsOverACompletionOfAFreedSlotAndOverAnOperationWithoutAnOwner) {
  Slab<Slot> slab(1);
  Slot& slot = *slab.create();
  const Handle handle = slot.handle;
  slab.destroy(slot, handle);
  CompletionTable table;
  table.enter_slots<&Slot::on_sent>(Operation::kClientSend, slab);
  EXPECT_DEATH(table.on_completion({.tag = {Operation::kClientSend, handle}, .buffer = {}}), "object != nullptr");
  EXPECT_DEATH(table.on_completion({.tag = {Operation::kClientClose, handle}, .buffer = {}}), "entry.call != nullptr");
}

}  // namespace
}  // namespace streaming
