#include "binding/tpm/device.h"

#include <utility>

namespace kudurru::tpm {

namespace {

Values valuesFrom(const Napi::Array& array) {
  Values values;
  values.reserve(array.Length());
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::Value value = array[i];
    if (value.IsNumber()) {
      values.emplace_back(value.As<Napi::Number>().Uint32Value());
    } else {
      const auto bytes = value.As<Napi::Uint8Array>();
      values.emplace_back(Blob(bytes.Data(), bytes.Data() + bytes.ByteLength()));
    }
  }
  return values;
}

Sessions sessionsFrom(const Napi::Array& array) {
  Sessions sessions{ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE};
  for (uint32_t i = 0; i < array.Length() && i < sessions.size(); ++i) {
    sessions[i] = Napi::Value(array[i]).As<Napi::Number>().Uint32Value();
  }
  return sessions;
}

const char* nameOf(Reason reason) {
  switch (reason) {
    case Reason::kDone:
      return "done";
    case Reason::kArgument:
      return "argument";
    case Reason::kLost:
      return "lost";
    case Reason::kDeadline:
      return "deadline";
    case Reason::kCode:
      return "code";
  }
  return "code";
}

Napi::Array arrayFrom(Napi::Env env, const Values& values) {
  auto array = Napi::Array::New(env, values.size());
  for (uint32_t i = 0; i < values.size(); ++i) {
    if (const auto* number = std::get_if<uint32_t>(&values[i])) {
      array.Set(i, Napi::Number::New(env, *number));
    } else {
      const auto& blob = std::get<Blob>(values[i]);
      auto bytes = Napi::Uint8Array::New(env, blob.size());
      if (!blob.empty()) std::memcpy(bytes.Data(), blob.data(), blob.size());
      array.Set(i, bytes);
    }
  }
  return array;
}

}  // namespace

Napi::Function Device::define(Napi::Env env) {
  return DefineClass(
      env, "Device",
      {InstanceMethod<&Device::run>("run"), InstanceMethod<&Device::close>("close")});
}

Device::Device(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Device>(info) {
  channel_ = Channel::New(info.Env(), "tpm2tss", 0, 1, this);
  channel_.Unref(info.Env());
  worker_ = std::make_unique<Worker>([this](uint32_t id, Reply reply) {
    auto delivery = std::make_unique<Delivery>(id, std::move(reply));
    // Refused only while the environment ends: then nobody waits for the reply.
    if (channel_.NonBlockingCall(delivery.get()) == napi_ok) delivery.release();
  });
  // Registered after the channel's own hook, so it runs before it: no call reaches a closed
  // channel.
  napi_add_env_cleanup_hook(info.Env(), onEnvironmentEnd, this);
}

Device::~Device() {
  napi_remove_env_cleanup_hook(Env(), onEnvironmentEnd, this);
  stop();
}

void Device::stop() {
  if (!worker_) return;
  worker_.reset();
  channel_.Release();
}

Napi::Value Device::run(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Request request;
  request.operation = info[0].As<Napi::String>().Utf8Value();
  request.inputs = valuesFrom(info[1].As<Napi::Array>());
  request.sessions = sessionsFrom(info[2].As<Napi::Array>());
  const std::chrono::milliseconds timeout(info[3].As<Napi::Number>().Int64Value());
  request.deadline = std::chrono::steady_clock::now() + timeout;
  if (!worker_) throw Napi::Error::New(env, "the TPM connection was closed");
  const auto deferred = Napi::Promise::Deferred::New(env);
  // While a call is pending it keeps the process, and this object, alive.
  if (pending_.empty()) {
    channel_.Ref(env);
    Ref();
  }
  const uint32_t id = nextId_++;
  pending_.emplace(id, deferred);
  worker_->put(id, std::move(request));
  return deferred.Promise();
}

void Device::close(const Napi::CallbackInfo&) {
  // Replies of the calls that were interrupted are queued by now and still arrive.
  stop();
}

void Device::onDelivery(Napi::Env env, Napi::Function, Device* device, Delivery* raw) {
  const std::unique_ptr<Delivery> delivery(raw);
  if (env == nullptr || device == nullptr) return;
  device->settle(env, *delivery);
}

void Device::settle(Napi::Env env, Delivery& delivery) {
  const auto found = pending_.find(delivery.id);
  if (found == pending_.end()) return;
  const Napi::Promise::Deferred deferred = found->second;
  pending_.erase(found);
  const Reply& reply = delivery.reply;
  auto object = Napi::Object::New(env);
  object.Set("reason", nameOf(reply.reason));
  object.Set("code", Napi::Number::New(env, reply.code));
  object.Set("text", reply.text);
  object.Set("mayHaveChanged", reply.effect == Effect::kUnknown);
  object.Set("results", arrayFrom(env, reply.results));
  deferred.Resolve(object);
  if (pending_.empty()) {
    channel_.Unref(env);
    Unref();
  }
}

}  // namespace kudurru::tpm
