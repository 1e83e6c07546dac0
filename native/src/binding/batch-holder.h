// A batch on its way through TypeScript: intake wraps it, verification and the ledger borrow it,
// `answer` takes it back. TypeScript holds the handle and never looks inside.
//
// One owner at a time: whoever works on the batch outside the JavaScript thread keeps the
// shared pointer for as long, and TypeScript awaits that work before it takes the next step.
#pragma once

#include <napi.h>

#include <memory>
#include <utility>

#include "core/intake/batch.h"

namespace kudurru::binding {

using SharedBatch = std::shared_ptr<intake::Batch>;

inline Napi::Value wrapBatch(Napi::Env env, SharedBatch batch) {
  return Napi::External<SharedBatch>::New(env, new SharedBatch(std::move(batch)),
                                          [](Napi::Env, SharedBatch* held) { delete held; });
}

// `handle` is the `handle` property of the facade's IntakeBatch; the facade has checked it.
// Never null; its items are gone once the batch was answered.
inline SharedBatch batchOf(const Napi::Value& handle) {
  return *handle.As<Napi::External<SharedBatch>>().Data();
}

}  // namespace kudurru::binding
