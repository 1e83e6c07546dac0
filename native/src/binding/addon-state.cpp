#include "binding/addon-state.h"

namespace kudurru::binding {

Napi::Error makeError(Napi::Env env, const Failure& failure) {
  const Napi::FunctionReference& constructor = addonState(env).errorConstructor;
  Napi::Object error;
  if (constructor.IsEmpty()) {
    error = Napi::Error::New(env, failure.message).Value();
  } else {
    error = constructor.New({Napi::String::New(env, failure.message)});
  }
  error.Set("domain", failure.domain);
  error.Set("code", failure.code);
  error.Set("operation", failure.operation);
  return Napi::Error(env, error);
}

}  // namespace kudurru::binding
