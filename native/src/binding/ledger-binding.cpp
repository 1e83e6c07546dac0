// The ledger's part of the addon: the class of an open ledger, and fsck, which needs none.
#include <napi.h>

#include <memory>
#include <string>
#include <utility>

#include "binding/addon-state.h"
#include "binding/convert.h"
#include "binding/intake-convert.h"
#include "binding/ledger-convert.h"
#include "binding/ledger-object.h"
#include "core/ledger/fsck.h"

namespace kudurru::binding {
namespace {

Napi::Error failed(Napi::Env env, const char* operation, const Status& status) {
  return makeError(env, {"ledger", std::string(codeName(status.code)), operation, status.message});
}

class FsckWorker final : public Napi::AsyncProgressWorker<FsckProgress> {
 public:
  FsckWorker(const Napi::Function& onProgress, FsckOptions options)
      : AsyncProgressWorker(onProgress),
        options_(std::move(options)),
        deferred_(Napi::Promise::Deferred::New(Env())) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

  void Execute(const ExecutionProgress& progress) override {
    options_.onProgress = [&progress](const FsckProgress& reached) {
      progress.Send(&reached, 1);
      return true;
    };
    const auto storage = posixStorage();
    status_ = fsck(*storage, options_, &report_);
  }

  void OnProgress(const FsckProgress* progress, size_t count) override {
    if (count != 0) Callback().Call({toObject(Env(), progress[count - 1])});
  }

  void OnOK() override {
    if (status_.ok()) {
      deferred_.Resolve(toObject(Env(), report_));
    } else {
      deferred_.Reject(failed(Env(), "fsckScan", status_).Value());
    }
  }

  void OnError(const Napi::Error& error) override { deferred_.Reject(error.Value()); }

 private:
  FsckOptions options_;
  FsckReport report_;
  Status status_;
  Napi::Promise::Deferred deferred_;
};

// (folder, from, [[scope, key]], onProgress)
Napi::Value fsckScan(const Napi::CallbackInfo& info) {
  FsckOptions options;
  options.folder = info[0].As<Napi::String>().Utf8Value();
  options.fromIndex = integerOf(info[1]);
  const auto keys = info[2].As<Napi::Array>();
  for (uint32_t at = 0; at < keys.Length(); ++at) {
    const auto pair = keys.Get(at).As<Napi::Array>();
    options.scopeKeys[pair.Get(uint32_t{0}).As<Napi::String>().Utf8Value()] =
        hashOf(pair.Get(uint32_t{1}));
  }
  auto* worker = new FsckWorker(info[3].As<Napi::Function>(), std::move(options));
  const Napi::Promise promise = worker->promise();
  worker->Queue();
  return promise;
}

Napi::Value readLedgerIdOf(const Napi::CallbackInfo& info) {
  const auto storage = posixStorage();
  LedgerId ledgerId{};
  const Status status = readLedgerId(*storage, info[0].As<Napi::String>().Utf8Value(), &ledgerId);
  if (!status.ok()) throw failed(info.Env(), "readLedgerId", status);
  return toUint8Array(info.Env(), ledgerId);
}

}  // namespace

Napi::Object registerLedger(Napi::Env env, Napi::Object exports) {
  exports.Set("Ledger", LedgerObject::define(env));
  exports.Set("fsckScan", Napi::Function::New(env, fsckScan));
  exports.Set("readLedgerId", Napi::Function::New(env, readLedgerIdOf));
  return exports;
}

}  // namespace kudurru::binding
