#include "mod_socket_handoff/directives.h"

#include <apr_strings.h>

#include <new>
#include <type_traits>

namespace socket_handoff {
namespace {

// Pools free memory and call no destructor.
static_assert(std::is_trivially_destructible_v<Settings>);

Settings* new_settings(apr_pool_t* pool, const Settings& settings) {
  return new (apr_palloc(pool, sizeof(Settings))) Settings(settings);
}

bool would_enable_in_htaccess(const cmd_parms* command, bool value) {
  return value && ap_check_cmd_context(const_cast<cmd_parms*>(command), NOT_IN_HTACCESS) != nullptr;
}

template <class Type>
const char* keep(cmd_parms* command, std::optional<typename Type::Value>& setting, const typename Type::Value& value,
                 const char* word) {
  if constexpr (requires { &Type::append; }) {
    if (setting) {
      const char* problem = Type::append(*setting, word);
      return problem ? apr_psprintf(command->pool, "%s: '%s' %s", command->cmd->name, word, problem) : nullptr;
    }
  }
  setting = value;
  return nullptr;
}

template <class Type, auto kMember>
const char* set(cmd_parms* command, void* settings, const char* word) {
  const auto value = Type::parse(word);
  if (!value) {
    char description[kMaxDescriptionBytes];
    Type::describe(description);
    return apr_psprintf(command->pool, "%s: '%s' is not %s", command->cmd->name, word, description);
  }
  if constexpr (std::is_same_v<Type, SwitchOffInHtaccess>) {
    if (would_enable_in_htaccess(command, *value)) {
      return apr_psprintf(command->pool, "%s: only Off is allowed in .htaccess", command->cmd->name);
    }
  }
  return keep<Type>(command, static_cast<Settings*>(settings)->*kMember, *value, word);
}

// Where a directive may stand: in the server and its virtual hosts, in <Directory> and <Location>; and in .htaccess,
// under AllowOverride FileInfo.
template <class Type>
constexpr int kPlaces = RSRC_CONF | ACCESS_CONF | (std::is_same_v<Type, SwitchOffInHtaccess> ? OR_FILEINFO : 0);

// The words of a list may stand on one line; ITERATE calls the function for each.
template <class Type>
constexpr cmd_how kArguments = requires {
  &Type::append;
}
? ITERATE : TAKE1;

}  // namespace

constinit const command_rec kDirectives[] = {
#define SETTING(type, member, directive, standard, help) \
  {directive, {.take1 = set<type, &Settings::member##_>}, nullptr, kPlaces<type>, kArguments<type>, help},
    SOCKET_HANDOFF_SETTINGS(SETTING)
#undef SETTING
        {}};

void* create_settings(apr_pool_t* pool, char*) {
  return new_settings(pool, Settings());
}

void* merge_settings(apr_pool_t* pool, void* outer, void* inner) {
  return new_settings(pool, merge(*static_cast<const Settings*>(outer), *static_cast<const Settings*>(inner)));
}

const Settings& settings_of(const request_rec* r) {
  return *static_cast<const Settings*>(ap_get_module_config(r->per_dir_config, &socket_handoff_module));
}

}  // namespace socket_handoff
