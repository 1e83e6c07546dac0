// The JavaScript object of one open TPM: `run` queues an operation and gives a promise of its
// reply. Everything it owns belongs to its environment: closing it, or the environment's end, stops
// the worker and settles or drops what is pending.
#pragma once

#include <napi.h>

#include <memory>
#include <unordered_map>

#include "binding/tpm/worker.h"

namespace kudurru::tpm {

class Device : public Napi::ObjectWrap<Device> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit Device(const Napi::CallbackInfo& info);
  ~Device() override;

 private:
  struct Delivery {
    uint32_t id;
    Reply reply;
  };
  static void onDelivery(Napi::Env env, Napi::Function, Device* device, Delivery* delivery);
  using Channel = Napi::TypedThreadSafeFunction<Device, Delivery, &Device::onDelivery>;

  // (operation, [number | Uint8Array], [session], timeoutMs) → promise of a reply object.
  Napi::Value run(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);

  void settle(Napi::Env env, Delivery& delivery);
  void stop();
  static void onEnvironmentEnd(void* device) { static_cast<Device*>(device)->stop(); }

  Channel channel_;
  std::unique_ptr<Worker> worker_;
  std::unordered_map<uint32_t, Napi::Promise::Deferred> pending_;
  uint32_t nextId_ = 0;
};

}  // namespace kudurru::tpm
