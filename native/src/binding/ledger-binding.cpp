// The ledger's part of the addon: the class of an open ledger, and the check of a state folder,
// which needs none.
#include <napi.h>

#include <string>

#include "binding/addon-state.h"
#include "binding/convert.h"
#include "binding/fsck-object.h"
#include "binding/ledger-object.h"
#include "core/fsck/fsck.h"

namespace kudurru::binding {
namespace {

Napi::Error failed(Napi::Env env, const char* operation, const Status& status) {
  return makeError(env, {"ledger", std::string(codeName(status.code)), operation, status.message});
}

Napi::Value readLedgerIdOf(const Napi::CallbackInfo& info) {
  const auto storage = posixStorage();
  LedgerId ledgerId{};
  const Status status =
      fsck::readLedgerId(*storage, info[0].As<Napi::String>().Utf8Value(), &ledgerId);
  if (!status.ok()) throw failed(info.Env(), "readLedgerId", status);
  return toUint8Array(info.Env(), ledgerId);
}

}  // namespace

Napi::Object registerLedger(Napi::Env env, Napi::Object exports) {
  exports.Set("Ledger", LedgerObject::define(env));
  exports.Set("FsckScan", FsckObject::define(env));
  exports.Set("readLedgerId", Napi::Function::New(env, readLedgerIdOf));
  return exports;
}

}  // namespace kudurru::binding
