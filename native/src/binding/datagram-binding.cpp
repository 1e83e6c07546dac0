// The JavaScript object of a Unix datagram socket. The facade has checked every argument.
#include <errno.h>
#include <napi.h>

#include <memory>
#include <string>
#include <utility>

#include "binding/addon-state.h"
#include "binding/convert.h"
#include "binding/datagram-thread.h"

namespace kudurru::binding {
namespace {

constexpr size_t kQueueUnbounded = 0;

Napi::Object toObject(Napi::Env env, const datagram::Datagram& datagram) {
  auto object = Napi::Object::New(env);
  object.Set("bytes", toUint8Array(env, datagram.bytes));
  object.Set("truncated", datagram.truncated);
  object.Set("from", datagram.from);
  object.Set("rawBeforeNs", Napi::BigInt::New(env, datagram.stamp.rawBeforeNs));
  object.Set("realtimeNs", Napi::BigInt::New(env, datagram.stamp.realtimeNs));
  object.Set("rawAfterNs", Napi::BigInt::New(env, datagram.stamp.rawAfterNs));
  object.Set("sender", env.Null());
  if (datagram.sender.has_value()) {
    auto sender = Napi::Object::New(env);
    sender.Set("pid", datagram.sender->pid);
    sender.Set("uid", datagram.sender->uid);
    sender.Set("gid", datagram.sender->gid);
    object.Set("sender", sender);
  }
  return object;
}

class DatagramObject final : public Napi::ObjectWrap<DatagramObject> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "DatagramSocket",
                       {InstanceMethod("send", &DatagramObject::send),
                        InstanceMethod("close", &DatagramObject::close)});
  }

  // (path, mode, sizeBytesMax, deliver(datagrams, dropped, errno))
  explicit DatagramObject(const Napi::CallbackInfo& info) : ObjectWrap(info) {
    Napi::Env env = info.Env();
    const std::string path = info[0].As<Napi::String>();
    const auto mode = info[1].As<Napi::Number>().Uint32Value();
    std::unique_ptr<datagram::DatagramSocket> socket;
    if (const auto problem = datagram::DatagramSocket::open(path, mode, socket)) {
      throw makeError(env, {"errno", std::to_string(problem->systemError), problem->operation, ""});
    }
    deliver_ = Napi::Persistent(info[3].As<Napi::Function>());
    const auto tell =
        Napi::Function::New(env, [this](const Napi::CallbackInfo& call) { taken(call.Env()); });
    auto notify = Napi::ThreadSafeFunction::New(env, tell, "kudurru datagram", kQueueUnbounded, 1);
    const size_t sizeBytesMax = info[2].As<Napi::Number>().Uint32Value();
    thread_ = std::make_unique<DatagramThread>(std::move(socket), sizeBytesMax, std::move(notify));
    // Alive until it is closed. Where the environment ends first, the thread must be gone before
    // the function that it calls is: hooks run in the reverse of their order.
    Ref();
    cleanupHook_ = env.AddCleanupHook(quitThread, this);
  }

 private:
  using CleanupHook = Napi::Env::CleanupHook<void (*)(DatagramObject*), DatagramObject>;

  static void quitThread(DatagramObject* object) { object->thread_.reset(); }

  // (to, bytes): errno, 0 where it was sent.
  Napi::Value send(const Napi::CallbackInfo& info) {
    if (thread_ == nullptr) return Napi::Number::New(info.Env(), ENOTCONN);
    const std::string to = info[0].As<Napi::String>();
    return Napi::Number::New(info.Env(), thread_->socket().send(to, bytesOf(info[1])));
  }

  void close(const Napi::CallbackInfo& info) {
    if (thread_ == nullptr) return;
    thread_.reset();
    cleanupHook_.Remove(info.Env());
    Unref();
  }

  void taken(Napi::Env env) {
    if (thread_ == nullptr) return;
    const DatagramThread::Delivery delivery = thread_->take();
    auto datagrams = Napi::Array::New(env, delivery.datagrams.size());
    uint32_t index = 0;
    for (const datagram::Datagram& datagram : delivery.datagrams) {
      datagrams.Set(index++, toObject(env, datagram));
    }
    deliver_.Call({datagrams, Napi::Number::New(env, static_cast<double>(delivery.dropped)),
                   Napi::Number::New(env, delivery.systemError)});
  }

  Napi::FunctionReference deliver_;
  CleanupHook cleanupHook_;
  std::unique_ptr<DatagramThread> thread_;  // last: ends before what it points to
};

}  // namespace

Napi::Object registerDatagram(Napi::Env env, Napi::Object exports) {
  exports.Set("DatagramSocket", DatagramObject::define(env));
  return exports;
}

}  // namespace kudurru::binding
