// The JavaScript object of a running intake. Its methods run on the JavaScript thread and post to
// intake's thread; only what both must know stands here. The facade has checked every argument.
#pragma once

#include <napi.h>

#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "binding/intake-thread.h"
#include "binding/worker-pool.h"

namespace kudurru::binding {

class IntakeObject final : public Napi::ObjectWrap<IntakeObject> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit IntakeObject(const Napi::CallbackInfo& info);

 private:
  using CleanupHook = Napi::Env::CleanupHook<void (*)(IntakeObject*), IntakeObject>;

  // A connection that asked for a session, until it is gone.
  struct Known {
    intake::WriterFacts writer;
    std::shared_ptr<intake::OutgoingGauge> gauge;
    std::shared_ptr<std::atomic<size_t>> postedBytes;  // pushes on their way to the thread
  };

  void connect(const Napi::CallbackInfo& info);
  Napi::Value next(const Napi::CallbackInfo& info);
  Napi::Value verify(const Napi::CallbackInfo& info);
  Napi::Value answer(const Napi::CallbackInfo& info);
  Napi::Value waiters(const Napi::CallbackInfo& info);
  void bindSession(const Napi::CallbackInfo& info);
  void refuse(const Napi::CallbackInfo& info);
  void refuseSubmissions(const Napi::CallbackInfo& info);
  Napi::Value pushAnchored(const Napi::CallbackInfo& info);
  void closeSession(const Napi::CallbackInfo& info);
  Napi::Value writerFacts(const Napi::CallbackInfo& info);
  Napi::Value stats(const Napi::CallbackInfo& info);
  Napi::Value stop(const Napi::CallbackInfo& info);

  // Called on the JavaScript thread after each delivery and, last, at the end.
  void delivered(Napi::Env env);
  void ended(Napi::Env env);
  void settleEnd(Napi::Env env);
  static void quitThread(IntakeObject* object);
  intake::Refusal refusalOf(const Napi::Object& given);
  const char* keep(const std::string& code);

  intake::WriterLevel writerLevel_;
  intake::Limits limits_;
  unsigned verifyThreads_ = 1;
  bool ended_ = false;
  CleanupHook cleanupHook_;
  std::shared_ptr<WorkerPool> pool_;
  std::optional<Napi::Promise::Deferred> nextPromise_;
  std::optional<Napi::Promise::Deferred> stopPromise_;
  std::unordered_map<uint64_t, Known> known_;
  // Codes of refusals that came from TypeScript: a closed list, kept for as long as a connection
  // may point to one.
  std::unordered_set<std::string> codes_;
  std::unique_ptr<IntakeThread> thread_;  // last: ends before what it points to
};

}  // namespace kudurru::binding
