// SPDX-License-Identifier: Apache-2.0
#include "config/config_changes.h"

#include "config/option_table.h"
#include "config/profile.h"

namespace streaming {

ConfigChanges config_changes(const Config& current, const Config& fresh) {
  ConfigChanges changes{fresh, {}, {}};
  for (const Option& option : option_table()) {
    if (same_value(current, fresh, option)) continue;
    const std::string name(option.key.empty() ? option.flag : option.key);
    if (option.effect == Effect::kReload) {
      changes.taken.push_back(name);
    } else {
      changes.needs_restart.push_back(name);
      copy_value(current, changes.config, option);
    }
  }
  for (const ProfileKind& kind : kProfileKinds) {
    if (current.*kind.profiles != fresh.*kind.profiles) changes.taken.emplace_back(kind.table);
  }
  return changes;
}

}  // namespace streaming
