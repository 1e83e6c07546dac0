#include "binding/fsck-object.h"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "binding/addon-state.h"
#include "binding/convert.h"
#include "binding/fsck-convert.h"

namespace kudurru::binding {
namespace {

// A run ends after so long, so that progress is told and a signal is heard; or with so much to look
// at for whoever checks signatures of log key and TPM.
constexpr std::chrono::milliseconds kRunFor{100};
constexpr size_t kEvidenceMax = 256;

}  // namespace

class FsckObject::Run final : public Napi::AsyncWorker {
 public:
  Run(Napi::Env env, std::shared_ptr<Scan> scan)
      : AsyncWorker(env), scan_(std::move(scan)), deferred_(Napi::Promise::Deferred::New(env)) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

  void Execute() override {
    fsck::Fsck& fsck = *scan_->fsck;
    const auto until = std::chrono::steady_clock::now() + kRunFor;
    if (!std::exchange(scan_->isBegun, true)) {
      status_ = fsck.begin();
      if (!status_.ok()) return;
    }
    while (fsck.advance()) {
      scan_->pool->run(fsck.jobCount(), [&](size_t job) { fsck.run(job); });
      for (fsck::Evidence& one : fsck.takeEvidence()) evidence_.push_back(std::move(one));
      const bool isLate = std::chrono::steady_clock::now() >= until;
      if (isLate || evidence_.size() >= kEvidenceMax) break;
    }
    status_ = fsck.status();
  }

  void OnOK() override {
    scan_->isRunning = false;
    whileAlive([this] {
      if (!status_.ok()) {
        const std::string code(codeName(status_.code));
        deferred_.Reject(makeError(Env(), {"ledger", code, "fsck", status_.message}).Value());
        return;
      }
      auto object = toObject(Env(), scan_->fsck->report());
      object.Set("findings", toObject(Env(), scan_->fsck->findings()));
      object.Set("evidence", toArray(Env(), evidence_));
      deferred_.Resolve(object);
    });
  }

  void OnError(const Napi::Error& error) override {
    scan_->isRunning = false;
    whileAlive([&] {
      deferred_.Reject(makeError(Env(), {"ledger", "failed", "fsck", error.Message()}).Value());
    });
  }

 private:
  std::shared_ptr<Scan> scan_;
  std::vector<fsck::Evidence> evidence_;
  Status status_;
  Napi::Promise::Deferred deferred_;
};

Napi::Function FsckObject::define(Napi::Env env) {
  return DefineClass(env, "FsckScan", {InstanceMethod("run", &FsckObject::run)});
}

FsckObject::FsckObject(const Napi::CallbackInfo& info)
    : ObjectWrap(info), scan_(std::make_shared<Scan>()) {
  scan_->storage = posixStorage();
  scan_->fsck =
      std::make_unique<fsck::Fsck>(*scan_->storage, fsckOptionsOf(info[0].As<Napi::Object>()));
  scan_->pool = std::make_unique<WorkerPool>(WorkerPool::defaultHelpers());
}

Napi::Value FsckObject::run(const Napi::CallbackInfo& info) {
  if (std::exchange(scan_->isRunning, true)) {
    throw makeError(info.Env(), {"ledger", "bad-argument", "fsck", "a run is under way"});
  }
  auto* run = new Run(info.Env(), scan_);
  const Napi::Promise promise = run->promise();
  run->Queue();
  return promise;
}

}  // namespace kudurru::binding
