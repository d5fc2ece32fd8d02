// SPDX-License-Identifier: Apache-2.0
// IntrusiveList: a doubly linked list whose links are in its members. Linking and unlinking allocate nothing and take
// constant time.
//
// A member derives from ListNode and is in at most one list, which borrows it. A member that is destroyed while linked
// unlinks itself. One thread.

#pragma once

#include "base/check.h"

namespace streaming {

class ListNode {
 public:
  ListNode() = default;
  ListNode(const ListNode&) = delete;
  ListNode& operator=(const ListNode&) = delete;
  ~ListNode() { unlink(); }

  bool linked() const { return next_ != nullptr; }

  void unlink() {
    if (!linked()) return;
    previous_->next_ = next_;
    next_->previous_ = previous_;
    next_ = previous_ = nullptr;
  }

 private:
  template <typename T>
  friend class IntrusiveList;

  ListNode* next_ = nullptr;
  ListNode* previous_ = nullptr;
};

template <typename T>
class IntrusiveList {
 public:
  IntrusiveList() { head_.next_ = head_.previous_ = &head_; }
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;
  ~IntrusiveList() {
    while (pop_front() != nullptr) {
    }
  }

  bool empty() const { return head_.next_ == &head_; }

  void push_back(T& member) {
    ListNode& node = member;
    CHECK(!node.linked());
    node.previous_ = head_.previous_;
    node.next_ = &head_;
    node.previous_->next_ = &node;
    head_.previous_ = &node;
  }

  // The first member, unlinked, or null.
  T* pop_front() {
    if (empty()) return nullptr;
    ListNode* node = head_.next_;
    node->unlink();
    return static_cast<T*>(node);
  }

  // The first member, still linked, or null.
  T* front() { return empty() ? nullptr : static_cast<T*>(head_.next_); }

  // Calls function(T&) for each member; the function may unlink that one and no other.
  template <typename Function>
  void for_each(Function&& function) {
    for (ListNode* node = head_.next_; node != &head_;) {
      ListNode* const next = node->next_;
      function(*static_cast<T*>(node));
      node = next;
    }
  }

  // Moves all members of `other` to this list's end, in constant time.
  void splice_back(IntrusiveList& other) {
    if (other.empty()) return;
    ListNode* const first = other.head_.next_;
    ListNode* const last = other.head_.previous_;
    first->previous_ = head_.previous_;
    head_.previous_->next_ = first;
    last->next_ = &head_;
    head_.previous_ = last;
    other.head_.next_ = other.head_.previous_ = &other.head_;
  }

 private:
  ListNode head_;
};

}  // namespace streaming
