// SPDX-License-Identifier: Apache-2.0
#include "base/slab.h"

#include <gtest/gtest.h>

#include <vector>

namespace streaming {
namespace {

struct Item {
  Item(Handle own_handle, int item_value, int* live_items) : handle(own_handle), value(item_value), live(live_items) {
    ++*live;
  }
  ~Item() { --*live; }

  Handle handle;
  int value;
  int* live;
};

TEST(Slab, FindsAnObjectByItsHandle) {
  int live = 0;
  Slab<Item> slab(10);
  Item* item = slab.create(7, &live);
  ASSERT_NE(item, nullptr);
  EXPECT_EQ(slab.find(item->handle), item);
  EXPECT_EQ(item->value, 7);
}

TEST(Slab, DoesNotFindTheFormerOwnerOfASlot) {
  int live = 0;
  Slab<Item> slab(10);
  Item* former = slab.create(1, &live);
  const Handle stale = former->handle;
  slab.destroy(*former, stale);
  EXPECT_EQ(slab.find(stale), nullptr);

  Item* owner = slab.create(2, &live);
  EXPECT_EQ(owner->handle.index, stale.index);
  EXPECT_NE(owner->handle.generation, stale.generation);
  EXPECT_EQ(slab.find(stale), nullptr);
}

TEST(Slab, RemembersGenerationsOfMemoryThatItGaveBack) {
  int live = 0;
  Slab<Item> slab(1000);
  std::vector<Item*> items;
  for (int i = 0; i < 500; ++i) items.push_back(slab.create(i, &live));
  std::vector<Handle> stale;
  for (Item* item : items) stale.push_back(item->handle);
  for (std::size_t i = 0; i < items.size(); ++i) slab.destroy(*items[i], stale[i]);
  for (int i = 0; i < 500; ++i) slab.create(i, &live);
  for (Handle handle : stale) EXPECT_EQ(slab.find(handle), nullptr);
}

TEST(Slab, StopsAtItsLimit) {
  int live = 0;
  Slab<Item> slab(3);
  for (int i = 0; i < 3; ++i) ASSERT_NE(slab.create(i, &live), nullptr);
  EXPECT_EQ(slab.create(3, &live), nullptr);
  EXPECT_EQ(slab.size(), 3u);
}

TEST(Slab, TakesTheLowestFreeSlotSoThatTheTopCanBeGivenBack) {
  int live = 0;
  Slab<Item> slab(1000);
  std::vector<Item*> items;
  for (int i = 0; i < 300; ++i) items.push_back(slab.create(i, &live));
  slab.destroy(*items[200], items[200]->handle);
  slab.destroy(*items[5], items[5]->handle);
  EXPECT_EQ(slab.create(0, &live)->handle.index, 5u);
  EXPECT_EQ(slab.create(0, &live)->handle.index, 200u);
  EXPECT_EQ(slab.create(0, &live)->handle.index, 300u);
}

TEST(Slab, KeepsAddressesWhileItGrows) {
  int live = 0;
  Slab<Item> slab(5000);
  Item* first = slab.create(42, &live);
  for (int i = 1; i < 5000; ++i) slab.create(i, &live);
  EXPECT_EQ(slab.find(first->handle), first);
  EXPECT_EQ(first->value, 42);
}

TEST(Slab, LetsTheVisitorDestroyWhatItVisits) {
  int live = 0;
  Slab<Item> slab(1000);
  for (int i = 0; i < 300; ++i) slab.create(i, &live);
  slab.for_each([&](Item& item, Handle handle) {
    if (item.value % 2 == 0) slab.destroy(item, handle);
  });
  EXPECT_EQ(live, 150);
  EXPECT_EQ(slab.size(), 150u);
  slab.for_each([&](Item& item, Handle handle) { slab.destroy(item, handle); });
  EXPECT_EQ(live, 0);
}

TEST(Slab, DestroysWhatIsLeft) {
  int live = 0;
  {
    Slab<Item> slab(100);
    for (int i = 0; i < 70; ++i) slab.create(i, &live);
  }
  EXPECT_EQ(live, 0);
}

TEST(SlabDeathTest, DestroyingTwiceIsADefect) {
  int live = 0;
  Slab<Item> slab(10);
  Item* item = slab.create(1, &live);
  const Handle handle = item->handle;
  slab.destroy(*item, handle);
  EXPECT_DEATH(slab.destroy(*item, handle), "check failed");
}

}  // namespace
}  // namespace streaming
