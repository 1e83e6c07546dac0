// What one JavaScript environment (the main thread or a worker) owns of this addon. Nothing in the
// binding is global: two environments share no state and each one is torn down by itself.
#pragma once

#include <napi.h>

#include <memory>
#include <string>
#include <typeindex>
#include <utility>
#include <vector>

namespace kudurru::binding {

class AddonState {
 public:
  AddonState() = default;
  AddonState(const AddonState&) = delete;
  AddonState& operator=(const AddonState&) = delete;

  // Parts go in the reverse of the order in which they were made, when the environment ends.
  ~AddonState() {
    while (!parts_.empty()) parts_.pop_back();
  }

  // The environment's one T, default-constructed on first use (a pool, a cache, a constructor).
  template <class T>
  T& part() {
    const std::type_index type(typeid(T));
    for (const auto& [known, value] : parts_) {
      if (known == type) return *static_cast<T*>(value.get());
    }
    auto made = std::make_shared<T>();
    parts_.emplace_back(type, made);
    return *made;
  }

  // NativeError of the facade; empty until the facade has handed it over.
  Napi::FunctionReference errorConstructor;

 private:
  std::vector<std::pair<std::type_index, std::shared_ptr<void>>> parts_;
};

inline AddonState& addonState(Napi::Env env) { return *env.GetInstanceData<AddonState>(); }

// Who failed: `domain` names the part ("verify", "journal", "errno"), `code` is that domain's own
// code, `operation` the call that failed. The message says what failed and why, in lower case.
struct Failure {
  const char* domain;
  std::string code;
  const char* operation;
  std::string message;
};

// The facade's NativeError with these properties, ready to throw or to reject a promise with.
Napi::Error makeError(Napi::Env env, const Failure& failure);

// Runs `settle`, which tells JavaScript of work that ended. Work may end after its environment
// began to: no call can succeed there, and nobody is left to be told.
template <class Settle>
void whileAlive(Settle&& settle) {
  try {
    settle();
  } catch (const Napi::Error&) {
    // The only reason for which building a value or settling a promise fails.
  }
}

}  // namespace kudurru::binding
