// The JavaScript object of an open ledger. Each method copies its arguments, posts a job to the
// ledger's thread and gives a promise. The facade has checked every argument.
#pragma once

#include <napi.h>

#include <memory>

#include "binding/ledger-thread.h"

namespace kudurru::binding {

class LedgerObject final : public Napi::ObjectWrap<LedgerObject> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit LedgerObject(const Napi::CallbackInfo& info);

  // For intake, in the same environment.
  const std::shared_ptr<Conveyor>& conveyor() const { return thread_->conveyor(); }

 private:
  Napi::Value open(const Napi::CallbackInfo& info);
  Napi::Value facts(const Napi::CallbackInfo& info);
  Napi::Value apply(const Napi::CallbackInfo& info);
  Napi::Value appendRecord(const Napi::CallbackInfo& info);
  Napi::Value records(const Napi::CallbackInfo& info);
  Napi::Value takeNotes(const Napi::CallbackInfo& info);
  Napi::Value agents(const Napi::CallbackInfo& info);
  Napi::Value agentHeads(const Napi::CallbackInfo& info);
  Napi::Value openSessions(const Napi::CallbackInfo& info);
  Napi::Value lastOfKind(const Napi::CallbackInfo& info);
  Napi::Value readEntries(const Napi::CallbackInfo& info);
  Napi::Value groupOf(const Napi::CallbackInfo& info);
  Napi::Value inclusionPath(const Napi::CallbackInfo& info);
  Napi::Value consistencyPath(const Napi::CallbackInfo& info);
  Napi::Value rootAt(const Napi::CallbackInfo& info);
  Napi::Value remakeTile(const Napi::CallbackInfo& info);
  Napi::Value publish(const Napi::CallbackInfo& info);
  Napi::Value openBody(const Napi::CallbackInfo& info);
  Napi::Value useScopeKey(const Napi::CallbackInfo& info);
  Napi::Value useSegment(const Napi::CallbackInfo& info);
  Napi::Value dropSegment(const Napi::CallbackInfo& info);
  Napi::Value requireTimeLevel(const Napi::CallbackInfo& info);
  Napi::Value retire(const Napi::CallbackInfo& info);
  Napi::Value retireNext(const Napi::CallbackInfo& info);
  Napi::Value stop(const Napi::CallbackInfo& info);
  Napi::Value release(const Napi::CallbackInfo& info);

  // Posts a job that needs the ledger open.
  Napi::Value post(Napi::Env env, const char* operation, Job job);

  std::unique_ptr<LedgerThread> thread_;
};

}  // namespace kudurru::binding
