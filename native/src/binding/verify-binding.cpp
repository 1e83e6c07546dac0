// Signature checks: one on the calling thread, or many on the pool without holding the event loop.
// The facade gives algorithm and key, message, signature in that order.
#include <napi.h>

#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "binding/addon-state.h"
#include "binding/convert.h"
#include "binding/worker-pool.h"
#include "core/verify/key-cache.h"

namespace kudurru::binding {
namespace {

// An agent's key is a few hundred bytes when parsed.
constexpr size_t kKeysMax = 4096;
// Values of an item in the flat array that the facade gives to verifyBatch.
constexpr uint32_t kValuesPerItem = 4;

struct VerifyState {
  KeyCache keys{kKeysMax};
  // Shared with the batches under way: they may outlive the environment's state.
  std::shared_ptr<WorkerPool> pool;
};

Algorithm algorithmOf(const Napi::Value& value) {
  return static_cast<Algorithm>(value.As<Napi::Number>().Int32Value());
}

Napi::Value verifySignature(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  try {
    const auto key =
        addonState(env).part<VerifyState>().keys.find(algorithmOf(info[0]), bytesOf(info[1]));
    const bool accepted = key != nullptr && key->verify(bytesOf(info[2]), bytesOf(info[3]));
    return Napi::Boolean::New(env, accepted);
  } catch (const std::runtime_error& error) {
    throw makeError(env, {"verify", "failed", "verifySignature", error.what()});
  }
}

class VerifyWorker final : public Napi::AsyncWorker {
 public:
  VerifyWorker(Napi::Env env, std::shared_ptr<WorkerPool> pool)
      : AsyncWorker(env), pool_(std::move(pool)), deferred_(Napi::Promise::Deferred::New(env)) {}

  // Copies: JavaScript may change its arrays while the threads read.
  void add(std::shared_ptr<const PublicKey> key, Bytes message, Bytes signature) {
    items_.push_back({std::move(key),
                      {message.begin(), message.end()},
                      {signature.begin(), signature.end()},
                      0});
  }

  Napi::Promise promise() const { return deferred_.Promise(); }

  void Execute() override {
    pool_->run(items_.size(), [this](size_t index) {
      Item& item = items_[index];
      if (item.key != nullptr) item.accepted = item.key->verify(item.message, item.signature);
    });
  }

  void OnOK() override {
    whileAlive([this] {
      auto accepted = Napi::Uint8Array::New(Env(), items_.size());
      for (size_t i = 0; i < items_.size(); ++i) accepted[i] = items_[i].accepted;
      deferred_.Resolve(accepted);
    });
  }

  void OnError(const Napi::Error& error) override {
    whileAlive([&] {
      const Failure failure{"verify", "failed", "verifyBatch", error.Message()};
      deferred_.Reject(makeError(Env(), failure).Value());
    });
  }

 private:
  struct Item {
    std::shared_ptr<const PublicKey> key;
    std::vector<uint8_t> message;
    std::vector<uint8_t> signature;
    uint8_t accepted;
  };

  std::shared_ptr<WorkerPool> pool_;
  Napi::Promise::Deferred deferred_;
  std::vector<Item> items_;
};

// ([algorithm, key, message, signature, …]) → Promise<Uint8Array of 0 and 1>.
Napi::Value verifyBatch(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  VerifyState& state = addonState(env).part<VerifyState>();
  if (state.pool == nullptr) {
    state.pool = std::make_shared<WorkerPool>(WorkerPool::defaultHelpers());
  }
  auto worker = std::make_unique<VerifyWorker>(env, state.pool);
  const auto values = info[0].As<Napi::Array>();
  for (uint32_t i = 0; i < values.Length(); i += kValuesPerItem) {
    const Napi::Value key = values.Get(i + 1), message = values.Get(i + 2);
    const Napi::Value signature = values.Get(i + 3);
    worker->add(state.keys.find(algorithmOf(values.Get(i)), bytesOf(key)), bytesOf(message),
                bytesOf(signature));
  }
  const Napi::Promise promise = worker->promise();
  // Deletes itself when it is done.
  worker.release()->Queue();
  return promise;
}

}  // namespace

Napi::Object registerVerify(Napi::Env env, Napi::Object exports) {
  exports.Set("verifySignature", Napi::Function::New(env, verifySignature));
  exports.Set("verifyBatch", Napi::Function::New(env, verifyBatch));
  return exports;
}

}  // namespace kudurru::binding
