// The check of one submission for tests and tools. Intake parses frames inside the core.
#include <napi.h>

#include "binding/convert.h"
#include "core/submission/submission.h"

namespace kudurru::binding {
namespace {

// { code, message, action, field }; code 'none' for a good one, −1 where action or field is none's.
Napi::Value checkSubmission(const Napi::CallbackInfo& info) {
  submission::Submission parsed;
  const submission::Fault fault = submission::parse(bytesOf(info[0]), parsed);
  auto verdict = Napi::Object::New(info.Env());
  verdict.Set("code", submission::nameOf(fault.code));
  verdict.Set("message", submission::describe(fault));
  verdict.Set("action", fault.action);
  verdict.Set("field", fault.field);
  return verdict;
}

}  // namespace

Napi::Object registerSubmission(Napi::Env env, Napi::Object exports) {
  exports.Set("checkSubmission", Napi::Function::New(env, checkSubmission));
  return exports;
}

}  // namespace kudurru::binding
