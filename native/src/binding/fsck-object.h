// FsckScan: a check of a state folder under way. Each run() goes on with it on a worker thread and
// on the pool's, and gives what came up; whoever stops calling stops the check.
#pragma once

#include <napi.h>

#include <memory>

#include "binding/worker-pool.h"
#include "core/fsck/fsck.h"

namespace kudurru::binding {

class FsckObject final : public Napi::ObjectWrap<FsckObject> {
 public:
  static Napi::Function define(Napi::Env env);
  // ({folder, from, published: {size, root}, resumed: the same, bodies, signatures, repairsTiles,
  //   scopeKeys: [[scope, key]]})
  explicit FsckObject(const Napi::CallbackInfo& info);

 private:
  Napi::Value run(const Napi::CallbackInfo& info);

  // Shared with the run under way: it may outlive this object.
  struct Scan {
    std::unique_ptr<Storage> storage;
    std::unique_ptr<fsck::Fsck> fsck;
    std::unique_ptr<WorkerPool> pool;
    bool isBegun = false;
    bool isRunning = false;
  };
  class Run;
  std::shared_ptr<Scan> scan_;
};

}  // namespace kudurru::binding
