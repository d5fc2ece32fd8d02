// SPDX-License-Identifier: Apache-2.0
// Work: something that its owner does later on the worker's thread, because it must not do it within the present call,
// or because the turn may bring more for it. TimerWheel::soon() and at_turn_end() define when.
//
// A member of its owner. It is in one WorkList at most, which allocates nothing, and leaves it when it is destroyed.

#pragma once

#include "base/intrusive_list.h"

namespace streaming {

class Work;

class WorkOwner {
 public:
  // `work` is idle again; it may be asked for anew or destroyed, and its owner with it.
  virtual void on_work(Work& work) = 0;

 protected:
  ~WorkOwner() = default;
};

class Work : private ListNode {
 public:
  explicit Work(WorkOwner& owner) : owner_(owner) {}

  bool pending() const { return linked(); }
  void withdraw() { unlink(); }

 private:
  friend class WorkList;
  template <typename T>
  friend class IntrusiveList;

  WorkOwner& owner_;
};

static_assert(sizeof(Work) == 24);

// What is to be done, in the order in which it was asked for.
class WorkList {
 public:
  bool empty() const { return list_.empty(); }

  // What is pending already stays at its place.
  void add(Work& work) {
    if (!work.pending()) list_.push_back(work);
  }

  // Does what is there now. What is added meanwhile stays for the next call.
  void do_present() {
    if (list_.empty()) return;
    WorkList present;
    present.list_.splice_back(list_);
    present.do_all();
  }

  // Does what is there and what is added meanwhile, until nothing is left.
  void do_all() {
    while (Work* work = list_.pop_front()) work->owner_.on_work(*work);
  }

 private:
  IntrusiveList<Work> list_;
};

}  // namespace streaming
