// Tells JavaScript when somebody sets CLOCK_REALTIME: one thread that sleeps in the kernel until
// that happens. Node has no such timer, and a poll of two clocks sees a step only afterwards.
#include <napi.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <thread>

#include "binding/addon-state.h"
#include "core/clock/bracket.h"
#include "core/clock/set-watch.h"

namespace kudurru::binding {
namespace {

class SetWatchThread {
 public:
  SetWatchThread(Napi::Env env, const Napi::Function& listener)
      : watch_(clock::kernelTimerCalls()), stop_(eventfd(0, EFD_CLOEXEC)) {
    if (error() != 0) return;
    tell_ = Napi::ThreadSafeFunction::New(env, listener, "set watch", 0, 1);
    // Watching is no reason for the process to live.
    tell_.Unref(env);
    thread_ = std::thread([this] { run(); });
  }

  ~SetWatchThread() {
    if (thread_.joinable()) {
      const uint64_t one = 1;
      while (write(stop_, &one, sizeof one) < 0 && errno == EINTR) continue;
      thread_.join();
      tell_.Release();
    }
    if (stop_ >= 0) close(stop_);
  }

  int error() const { return stop_ < 0 ? EMFILE : watch_.error(); }

 private:
  void run() {
    pollfd waits[2] = {{watch_.fd(), POLLIN, 0}, {stop_, POLLIN, 0}};
    while (true) {
      if (poll(waits, 2, -1) < 0 && errno != EINTR) return say(errno);
      if (waits[1].revents != 0) return;
      switch (watch_.step()) {
        case clock::SetWatch::News::kNone:
          break;
        case clock::SetWatch::News::kSet:
          say(0);
          break;
        case clock::SetWatch::News::kFailed:
          return say(watch_.error());
      }
    }
  }

  void say(int error) {
    const clock::Bracket at = clock::readBracket(CLOCK_REALTIME, 1);
    tell_.NonBlockingCall([error, at](Napi::Env env, Napi::Function listener) {
      listener.Call({Napi::Number::New(env, error), Napi::BigInt::New(env, at.rawAfterNs),
                     Napi::BigInt::New(env, at.valueNs)});
    });
  }

  clock::SetWatch watch_;
  int stop_;
  Napi::ThreadSafeFunction tell_;
  std::thread thread_;
};

// The environment's one watch. It ends by a hook that runs before the environment takes its
// thread-safe functions away: the thread's is used until the thread has ended.
struct Watching {
  using Hook = Napi::Env::CleanupHook<void (*)(Watching*), Watching>;

  void stop(Napi::Env env) {
    if (thread == nullptr) return;
    hook.Remove(env);
    thread.reset();
  }

  std::unique_ptr<SetWatchThread> thread;
  Hook hook;
};

void endWatching(Watching* watching) { watching->thread.reset(); }

Napi::Value startSetWatch(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto& watching = addonState(env).part<Watching>();
  watching.stop(env);
  auto started = std::make_unique<SetWatchThread>(env, info[0].As<Napi::Function>());
  const int error = started->error();
  if (error == 0) {
    watching.thread = std::move(started);
    watching.hook = env.AddCleanupHook(endWatching, &watching);
  }
  return Napi::Number::New(env, error);
}

void stopSetWatch(const Napi::CallbackInfo& info) {
  addonState(info.Env()).part<Watching>().stop(info.Env());
}

}  // namespace

Napi::Object registerSetWatch(Napi::Env env, Napi::Object exports) {
  exports.Set("startSetWatch", Napi::Function::New(env, startSetWatch));
  exports.Set("stopSetWatch", Napi::Function::New(env, stopSetWatch));
  return exports;
}

}  // namespace kudurru::binding
